"""The adapter for Airflow's own HTTP operator: an ``HttpHook`` that authenticates as a ``cloudfn`` connection says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.http.hooks.http import HttpHook
from requests import Session

from airflow_provider_cloudfn.client.decoding import ACCEPT_ENCODING
from airflow_provider_cloudfn.client.redaction import Redaction
from airflow_provider_cloudfn.client.settings import ResponseLimits, Timeouts
from airflow_provider_cloudfn.connections.address_guard import is_allowed
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.hooks.base import echoed_secrets
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.masking import mask_obtained_secret
from airflow_provider_cloudfn.hooks.requests_session import AuthenticatingAdapter, TransportAdapter

if TYPE_CHECKING:
    from requests import Response

    from airflow_provider_cloudfn.auth.scheme import Auth

__all__ = ["CloudFunctionHttpHook"]


class CloudFunctionHttpHook(HttpHook):
    """
    What Airflow's ``HttpOperator`` and ``BaseHook.get_hook`` get for a connection of type ``cloudfn``.

    It authenticates, stays on the connection's origin, times out, masks, and reads no answer that is too large. For anything
    else take :class:`~airflow_provider_cloudfn.hooks.cloudfn.CloudFunctionHook`. Airflow's ``HttpSensor``, ``HttpOperator`` with
    ``deferrable=True`` and a hand-built ``HttpHook`` do not ask for this class: they send no credentials.

    :param method: The method of the requests.
    :param http_conn_id: The connection, of type ``cloudfn``.
    :param auth_type: Must be None: the connection authenticates.
    :param arguments: As of ``HttpHook``.
    """

    conn_name_attr = "http_conn_id"
    default_conn_name = "cloudfn_default"
    conn_type = CLOUDFN_FORM.connection_type
    hook_name = CLOUDFN_FORM.title

    def __init__(
        self, method: str = "POST", http_conn_id: str = default_conn_name, auth_type: Any = None, **arguments: Any
    ) -> None:
        super().__init__(method=method, http_conn_id=http_conn_id, auth_type=auth_type, **arguments)
        self._function_hook = CloudFunctionHook(http_conn_id)
        self._scheme: Auth | None = None

    def get_conn(self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None) -> Session:
        """
        Return a session that authenticates.

        :param headers: Headers of all its requests.
        :param extra_options: As of ``HttpHook``: ``timeout``, ``verify``, ``proxies``, ``stream``, ``max_redirects`` …
        """
        if self._auth_type is not None:
            raise ConfigurationError(
                f"auth_type: connection {self.http_conn_id!r} says itself how to authenticate; leave auth_type out"
            )
        settings = self._function_hook.settings()
        transport = settings.transport
        self.base_url = settings.base_url
        options = {name: value for name, value in (extra_options or {}).items() if value is not None}
        defaults = Timeouts()
        timeouts = Timeouts(
            connect=transport.connect_timeout or defaults.connect,
            read=transport.read_timeout,
            total=transport.total_timeout or defaults.total,
        )
        self.merged_extra = {"timeout": (timeouts.connect, timeouts.read or timeouts.total), **options}
        session = Session()
        # Neither a .netrc file nor an environment variable changes who asks, or by which way.
        session.trust_env = False
        proxy = {"http": transport.proxy, "https": transport.proxy} if transport.proxy else {}
        session.proxies = options.get("proxies", options.get("proxy", proxy))
        session.stream = options.get("stream", False)
        session.verify = options.get("verify", options.get("verify_ssl", True))
        session.cert = options.get("cert")
        session.max_redirects = options.get("max_redirects", ResponseLimits().redirects)
        inner = self.adapter or TransportAdapter(
            ssl_context=transport.ssl_context(),
            is_allowed=partial(is_allowed, guard=transport.address_guard),
            socket_options=self.keep_alive_adapter.socket_options if self.keep_alive_adapter else None,
        )
        adapter = AuthenticatingAdapter(
            inner,
            auth=self._auth(),
            base_url=settings.base_url,
            on_secret=mask_obtained_secret,
            timeouts=timeouts,
            secrets=echoed_secrets(transport),
        )
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        # Of a stream it is requests that undoes the encoding.
        session.headers["Accept-Encoding"] = "gzip, deflate" if session.stream else ACCEPT_ENCODING
        session.headers.update(self.default_headers)
        session.headers.update(headers or {})
        return session

    def run(
        self,
        endpoint: str | None = None,
        data: dict[str, Any] | str | None = None,
        headers: dict[str, Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        **request_kwargs: Any,
    ) -> Any:
        """
        Make a request.

        :param endpoint: The path below the connection's base URL.
        :param data: The body, or with GET the query.
        :param headers: The request's own headers.
        :param extra_options: As of ``HttpHook``.
        :param request_kwargs: As ``requests.Request`` takes them, without ``auth``.
        :raises ConfigurationError: for a URI or a header that can't be; nothing was sent then.
        """
        if request_kwargs.get("auth") is not None:
            raise ConfigurationError("auth: the connection says itself how to authenticate; leave auth out")
        self._function_hook.prepare(self.method, endpoint or "", headers=headers)
        return super().run(endpoint, data, headers, extra_options, **request_kwargs)

    def url_from_endpoint(self, endpoint: str | None) -> str:
        """
        Return the whole URL, which lies below the connection's base URL.

        :param endpoint: The path below it, perhaps with a query.
        """
        return self._function_hook.prepare(self.method, endpoint or "").url

    def check_response(self, response: Response) -> None:
        """
        Raise an error for a status of 4xx or 5xx.

        :param response: The answer; its beginning is logged, redacted.
        """
        if response.ok:
            return
        auth = self._auth()
        secrets = (*auth.secrets(), *echoed_secrets(self._function_hook.settings().transport))
        redaction = Redaction(secrets, auth.reserved_query)
        reason = redaction.text(response.reason or "")
        self.log.error("HTTP error: %s %s", response.status_code, reason)
        self.log.error("%s", redaction.excerpt(response.content, response.encoding or "utf-8"))
        raise AirflowException(f"{response.status_code}:{reason}")

    def test_connection(self) -> tuple[bool, str]:
        """Prove the credentials without side effects."""
        return self._function_hook.test_connection()

    def _auth(self) -> Auth:
        if self._scheme is None:
            self._scheme = self._function_hook.scheme()
        return self._scheme
