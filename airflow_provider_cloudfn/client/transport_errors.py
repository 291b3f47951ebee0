"""What aiohttp raises, as the errors of this package."""

from __future__ import annotations

import os

from airflow_provider_cloudfn.auth.repeatable import proxy_may_recover
from airflow_provider_cloudfn.exceptions import (
    AuthenticationError,
    CloudFunctionError,
    CommunicationError,
    ConfigurationError,
    RequestTimeoutError,
)

__all__ = ["failures_of_transport", "transport_error"]


def failures_of_transport() -> tuple[type[Exception], ...]:
    """Return the classes of what :func:`transport_error` is for."""
    import aiohttp
    from aiohttp.http_exceptions import HttpProcessingError

    return (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)


def transport_error(
    error: Exception, where: str, *, is_direct: bool = True, is_connected: bool = True
) -> CloudFunctionError:
    """
    Return the error that something raised by aiohttp, or by what is below it, is.

    :param error: What was raised.
    :param where: The request, as it may be shown.
    :param is_direct: Whether it went over no proxy.
    :param is_connected: Whether there was a connection to the service, over which it may have got the request.
    """
    import aiohttp

    if isinstance(error, TimeoutError):
        return _timed_out(error, where, is_direct)
    if isinstance(error, aiohttp.InvalidURL):
        return ConfigurationError(f"{where}: names no host that can be called; check the base URL of the connection")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return CommunicationError(
            f"{where}: the server's certificate is not to be trusted ({error.certificate_error}); "
            "if it is a certificate of your own authority, give that in ca_bundle of the connection",
            never_sent=True,
            stage="tls",
        )
    if _wants_certificate(error):
        return CommunicationError(
            f"{where}: the server ended TLS' handshake, as one does that wants a certificate of its clients, or another one than "
            f"it got ({_tls_alert(error)}); set client_cert of the connection",
            never_sent=True,
            stage="tls",
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by_proxy(error.status, where)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return CommunicationError(
            f"{where}: no connection to the proxy could be made ({error.os_error}); check the proxy of the connection",
            retryable=True,
            never_sent=True,
            stage="proxy",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        # What answers in plain text where TLS was begun is a server of http:// on that port.
        is_plain = "WRONG_VERSION_NUMBER" in str(error.os_error)
        remedy = "what answers there speaks no TLS: perhaps the base URL begins with http://, or has another port"
        return CommunicationError(
            f"{where}: no connection could be made ({error.os_error}); "
            + (remedy if is_plain else f"check the base URL and the network{_ignored_proxy(is_direct)}"),
            retryable=True,
            never_sent=True,
            stage="tls" if isinstance(error, aiohttp.ClientSSLError) else None,
        )
    if not is_connected:
        by_proxy, checked = ": the proxy broke it off, or what came of it was no HTTP", "the proxy of the connection"
        return CommunicationError(
            f"{where}: no connection could be made{'' if is_direct else by_proxy} ({_cause(error)}); check "
            + ("the base URL and the network" if is_direct else checked),
            retryable=True,
            never_sent=True,
            stage=None if is_direct else "proxy",
        )
    return CommunicationError(
        f"{where}: the connection broke, or what came over it was no whole HTTP answer ({_cause(error)})",
        retryable=True,
        stage="answer" if isinstance(error, aiohttp.ClientPayloadError) else None,
    )


def _ignored_proxy(is_direct: bool) -> str:
    """Return a word on the environment's proxy, where it has one: no call goes over it."""
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    found = next((name for name in names if os.environ.get(name)), None)
    if not is_direct or found is None:
        return ""
    return f"; {found} of the environment is ignored: where a proxy is needed, set proxy on the connection"


def _tls_alert(error: Exception) -> str:
    """Return the name that OpenSSL has for what ended TLS, or nothing."""
    import ssl

    # aiohttp has such an error of its own, which keeps OpenSSL's.
    found = (error, error.__cause__, getattr(error, "os_error", None))
    reasons = (getattr(one, "reason", None) for one in found if isinstance(one, ssl.SSLError))
    return next((reason for reason in reasons if reason), "")


def _wants_certificate(error: Exception) -> bool:
    """
    Return whether it is the certificate, or that there is none, for which a server ended TLS.

    With TLS 1.3 a client learns that only when it has sent its request, which the server has not looked at.
    """
    alert = _tls_alert(error)
    return "_ALERT_" in alert and any(word in alert for word in ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE"))


def _timed_out(error: TimeoutError, where: str, is_direct: bool) -> RequestTimeoutError:
    import aiohttp

    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return RequestTimeoutError(
            f"{where}: no connection was made in time; the service may be down; connect_timeout of the connection says how long "
            f"that may take{_ignored_proxy(is_direct)}",
            retryable=True,
            never_sent=True,
        )
    return RequestTimeoutError(
        f"{where}: the service stayed silent for too long; it may have taken the request all the same; read_timeout of the "
        "connection says how long it may be silent",
        retryable=True,
    )


def _refused_by_proxy(status: int, where: str) -> CloudFunctionError:
    """Return what it is when a proxy makes no tunnel: the service has seen nothing of the request."""
    if status == 407:
        return AuthenticationError(
            f"{where}: the proxy answered 407: it does not accept the credentials in the proxy of the connection",
            status=status,
            never_sent=True,
        )
    return CommunicationError(
        f"{where}: the proxy answered {status} instead of making a connection; check the base URL, and ask who runs the proxy",
        status=status,
        retryable=proxy_may_recover(status),
        never_sent=True,
        stage="proxy",
    )


def _cause(error: Exception) -> str:
    # aiohttp quotes what came over the wire in some of its messages: only what kind of error it is may be shown, and what its
    # parser says before it quotes.
    cause = error.__cause__
    reason, is_quoted, _ = str(getattr(cause or error, "message", "")).partition(":\n\n")
    return (
        type(error).__name__
        + (f": {type(cause).__name__}" if cause is not None else "")
        + (f", {' '.join(reason.split())}" if is_quoted else "")
    )
