"""What a connection says of its token requests besides the client: the grant, its parameters, headers, claims."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.auth.header_fields import credential_header_fault
from airflow_provider_cloudfn.client.secret import looked_up
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_cloudfn.connections.reading import ConnectionReader

__all__ = ["claims_of", "filled", "grant", "headers_of"]

#: What the other fields set.
_OWN_PARAMETERS = frozenset({"client_id", "client_secret", "scope", "refresh_token", "audience", "resource"})

#: The grants that need a person who logs in, or what only they leave.
_GRANTS_OF_PERSONS = ("authorization_code", "refresh_token", "implicit", "urn:ietf:params:oauth:grant-type:device_code")

#: The parameters of further grants that are secret: no text for a field that is shown.
_SECRET_PARAMETERS = frozenset({"password", "assertion", "subject_token", "actor_token"})

#: What an assertion says of itself.
_OWN_CLAIMS = frozenset({"iat", "exp", "nbf", "jti"})

#: As in a Dag, in either sort of quotes.
_SECRET = re.compile(r"""secret\((["'])([^"']+)\1\)""")


def grant(reader: ConnectionReader) -> tuple[str, dict[str, str]]:
    """
    Return the grant's type, and the other parameters as they were written.

    :raises ConfigurationError: for a parameter that is another field's, or a secret in clear; and for a grant of persons.
    """
    parameters = reader.texts("oauth2_parameters", '{"tenant": "acme"}')
    for name in parameters:
        if name in _OWN_PARAMETERS:
            raise reader.error("oauth2_parameters", f"may not hold {name!r}: it is set by the other fields")
    grant_type = parameters.get("grant_type")
    parameters = {name: text for name, text in parameters.items() if name != "grant_type"}
    if grant_type is None:
        return "client_credentials", parameters
    if grant_type in _GRANTS_OF_PERSONS:
        raise reader.error(
            "oauth2_parameters",
            f"grant_type {grant_type!r} needs a person who logs in; write one for a client by itself",
        )
    for name in sorted(_SECRET_PARAMETERS & {*parameters}):
        if not _SECRET.fullmatch(parameters[name]):
            raise reader.error(
                "oauth2_parameters",
                f"{name!r} is secret, and this field is shown: write it into secret_values, and here \"secret('its name')\"",
            )
    return grant_type, parameters


def headers_of(reader: ConnectionReader, method: str) -> dict[str, str]:
    """
    Return the headers of a token request as they were written.

    :param method: How the client authenticates.
    :raises ConfigurationError: for one that nobody may set.
    """
    headers = reader.texts("oauth2_headers", '{"X-Tenant": "acme"}')
    for name in headers:
        if fault := credential_header_fault(name):
            raise reader.error("oauth2_headers", fault)
        if name.lower() == "authorization" and method == "client_secret_basic":
            raise reader.error(
                "oauth2_headers", f"got {name!r}, which client_secret_basic sets; choose another client_auth_method"
            )
    return headers


def claims_of(reader: ConnectionReader) -> dict[str, object]:
    """
    Return what an assertion says besides.

    :raises ConfigurationError: for a claim that each assertion gets anew.
    """
    claims = reader.json_object("jwt_claims", '{"sub": "ann@example.com"}')
    for name in claims:
        if name in _OWN_CLAIMS:
            raise reader.error("jwt_claims", f"may not hold {name!r}: each assertion gets its own")
    return claims


def filled(reader: ConnectionReader, name: str, texts: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """
    Return texts with the secrets that they name, and those secrets.

    :param reader: The connection, whose ``secret_values`` they are.
    :param name: The field that has the texts.
    :param texts: What was written, by name.
    :raises ConfigurationError: for a secret that is not there, and for what no header can carry.
    """
    find = looked_up(reader.texts("secret_values", '{"tenant_key": "…"}') if texts else {})
    hidden: list[str] = []

    def fill(found: re.Match[str]) -> str:
        try:
            hidden.append(find(found[2]))
        except ConfigurationError as error:
            raise reader.error(name, str(error)) from None
        return hidden[-1]

    whole = {key: _SECRET.sub(fill, text) for key, text in texts.items()}
    for key, text in whole.items():
        if name == "oauth2_headers" and not (text == text.strip() and all(" " <= sign <= "~" for sign in text)):
            raise reader.error(name, f"{key!r} holds what no header can carry; write ASCII letters, digits and signs")
    return whole, hidden
