"""TLS settings from a connection: a client certificate, and certificate authorities of one's own."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.connections.pem import is_pem, pem_text
from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_cloudfn.connections.transport import TransportSettings

__all__ = ["client_ssl_context"]


def client_ssl_context(settings: TransportSettings) -> ssl.SSLContext:
    """
    Return the TLS settings of a connection; host names and certificates are always checked.

    :param settings: With paths or PEM texts.
    :raises ConfigurationError: naming the field that can't be read, never what it holds.
    """
    context = ssl.create_default_context() if settings.ca_bundle is None else _trusting(settings.ca_bundle)
    if settings.client_cert is not None:
        _present(context, settings)
    return context


def _trusting(ca_bundle: str) -> ssl.SSLContext:
    try:
        if is_pem(ca_bundle):
            return ssl.create_default_context(cadata=pem_text(ca_bundle))
        if os.path.isdir(ca_bundle):  # noqa: PTH112 - OpenSSL takes the path as text
            return ssl.create_default_context(capath=ca_bundle)
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"ca_bundle: can't be read as PEM certificates ({_reason(error)})") from None


def _present(context: ssl.SSLContext, settings: TransportSettings) -> None:
    certificate = settings.client_cert or ""
    passphrase = settings.client_private_key_passphrase
    with contextlib.ExitStack() as files:
        key_path = settings.client_key_file
        if settings.client_private_key is not None:
            key_path = files.enter_context(_as_file(pem_text(settings.client_private_key)))
        certificate_path = certificate
        if is_pem(certificate):
            certificate_path = files.enter_context(_as_file(pem_text(certificate)))
        try:
            # Without a passphrase OpenSSL would ask the terminal for it, and wait.
            context.load_cert_chain(certificate_path, key_path, password=lambda: passphrase or "")
        except (OSError, ValueError) as error:
            fields = "client_cert"
            if settings.client_private_key is not None:
                fields += " and client_private_key"
            elif settings.client_key_file is not None:
                fields += " and client_key_file"
            raise ConfigurationError(
                f"{fields}: can't be read as a PEM certificate and its private key ({_reason(error)})"
                + ("" if passphrase else "; if the key is encrypted, set client_private_key_passphrase")
            ) from None


@contextlib.contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Hold a text in a file that only this user can read, for OpenSSL takes certificates and keys from files only."""
    descriptor, path = tempfile.mkstemp(suffix=".pem")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        yield path
    finally:
        os.unlink(path)  # noqa: PTH108 - the counterpart of mkstemp


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
