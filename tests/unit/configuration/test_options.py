"""Each kind of option of ``[cloudfn]``: what is read, and what is refused in which words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.configuration import options
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

choice = partial(options.choice, choices=("all", "none"))
number = partial(options.whole_number, default=7, wanted="must be a whole number up to 9", most=9)
unbounded = partial(options.whole_number, default=7, wanted="must be a whole number")
seconds = partial(options.seconds, default=60, most=3600)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    def set_to(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv("AIRFLOW__CLOUDFN__AN_OPTION", raising=False)
        else:
            monkeypatch.setenv("AIRFLOW__CLOUDFN__AN_OPTION", value)

    return set_to


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (options.text, None, ""),
        (options.text, " a b ", "a b"),
        (options.flag, None, False),
        (options.flag, "True", True),
        (options.flag, "f", False),
        (choice, None, "all"),
        (choice, " None ", "none"),
        (number, None, 7),
        (number, "0", 0),
        (number, "9", 9),
        (unbounded, "9000000000", 9_000_000_000),
        (seconds, None, 60.0),
        (seconds, "0.5", 0.5),
    ],
)
def test_it_is_read(given: Any, read: Callable[[str], Any], value: str | None, found: Any) -> None:
    given(value)

    assert read("an_option") == found
    assert type(read("an_option")) is type(found)


@pytest.mark.parametrize(
    ("read", "value", "wanted"),
    [
        (options.flag, "maybe", "must be True or False"),
        (choice, "some", "must be one of all, none"),
        (number, "10", "must be a whole number up to 9"),
        (number, "-1", "must be a whole number up to 9"),
        (number, "1.5", "must be a whole number up to 9"),
        (unbounded, "many", "must be a whole number"),
        (seconds, "nan", "must be seconds from 0 to 3,600"),
        (seconds, "inf", "must be seconds from 0 to 3,600"),
        (seconds, "soon", "must be seconds from 0 to 3,600"),
    ],
)
def test_another_value_is_refused(given: Any, read: Callable[[str], Any], value: str, wanted: str) -> None:
    given(value)

    with pytest.raises(ConfigurationError) as refused:
        read("an_option")

    assert refused.value.message == f"[cloudfn] an_option: {wanted}, not {value!r}"
