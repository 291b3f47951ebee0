"""What is shown of values that hold secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import pytest
from kit.package_modules import modules
from rich.pretty import pretty_repr

from airflow_provider_cloudfn.auth.redacted import Redacted

if TYPE_CHECKING:
    from collections.abc import Callable

#: Fields that hold a secret, or what a service or a Dag has in it, whichever class they are in.
SECRET_FIELDS = {
    "answer",
    "body",
    "client_cert",
    "client_private_key",
    "client_private_key_passphrase",
    "client_secret",
    "content",
    "headers",
    "json",
    "known",
    "password",
    "proxy",
    "refresh_token",
    "result",
    "secret",
    "secret_access_key",
    "secret_key",
    "secret_values",
    "session_token",
    "token",
    "value",
}
#: Where these words mean something else: what an event is sent with; what goes out is shown with its secrets as ``***``;
#: names alone, of a variable too; a number of bytes; what stands in a Dag file; answers that hide their own content.
OTHERWISE = {
    "Plain": {"value"},
    "Text": {"value"},
    "Constant": {"value"},
    "Entry": {"value"},
    "Item": {"value"},
    "Pages": {"body"},
    "Poll": {"headers", "result", "value"},
    "CallEntry": {"answer"},
    "AttemptOutcome": {"result"},
    "Parameter": {"answer"},
    "Confirm": {"headers"},
    "Event": {"headers", "body"},
    "ItemQuestion": {"headers"},
    "PreparedRequest": {"headers"},
    "Response": {"headers"},
    "ResponseLimits": {"body"},
    "_Room": {"body", "headers"},
}


class Login(Redacted, frozen=True):
    _hidden: ClassVar = frozenset({"password"})

    user: str
    password: str


def structs() -> list[type[msgspec.Struct]]:
    """Return every struct of the package."""
    found: set[type[msgspec.Struct]] = set()
    for module in modules():
        found.update(
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__
        )
    return sorted(found, key=lambda found_class: found_class.__qualname__)


@pytest.mark.parametrize("shown", [repr, str, pretty_repr])
def test_a_hidden_field_is_shown_nowhere(shown: Callable[[Any], str]) -> None:
    assert shown(Login("me", "s3cret")) == "Login(user='me')"


@pytest.mark.parametrize("struct", structs(), ids=lambda struct: str(struct.__qualname__))
def test_what_holds_secrets_hides_them(struct: type[msgspec.Struct]) -> None:
    wanted = SECRET_FIELDS.intersection(struct.__struct_fields__) - OTHERWISE.get(struct.__name__, set())
    assert wanted <= getattr(struct, "_hidden", set())
