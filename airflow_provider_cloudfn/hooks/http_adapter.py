"""The adapter for Airflow's own HTTP operator: an ``HttpHook`` that authenticates as a ``cloudfn`` connection says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.http.hooks.http import HttpHook

from airflow_provider_cloudfn.client.decoding import ACCEPT_ENCODING
from airflow_provider_cloudfn.client.prepared import own_headers
from airflow_provider_cloudfn.connections.cloudfn_form import CLOUDFN_FORM
from airflow_provider_cloudfn.exceptions import ConfigurationError, flag_problem, in_words, nearest_or_all
from airflow_provider_cloudfn.hooks.cloudfn import CloudFunctionHook
from airflow_provider_cloudfn.hooks.request_options import FIELD_OF_OPTION
from airflow_provider_cloudfn.hooks.requests_adapter import ClientAdapter, ClientSession

if TYPE_CHECKING:
    from requests import Response, Session

__all__ = ["CloudFunctionHttpHook"]

#: What ``requests.Request`` takes besides what `run` has parameters for.
_OF_A_REQUEST: Final = frozenset({"auth", "cookies", "files", "hooks", "json", "params"})
#: What must be True or False among the options.
_FLAGS: Final = frozenset({"allow_redirects", "check_response", "stream"})
#: All that ``HttpHook`` knows of options: another one it would pass over.
_OPTIONS: Final = _FLAGS | FIELD_OF_OPTION.keys() | {"max_redirects", "timeout", "trust_env"}


class CloudFunctionHttpHook(HttpHook):
    """
    What Airflow's ``HttpOperator`` and ``BaseHook.get_hook`` get for a connection of type ``cloudfn``.

    The connection's own client sends: it authenticates, stays on the connection's origin, times out, masks, and reads no answer
    that is too large. A call is one attempt, which ``retry_args`` repeats. For anything else take
    :class:`~airflow_provider_cloudfn.hooks.cloudfn.CloudFunctionHook`. Airflow's ``HttpSensor``, ``HttpOperator`` with
    ``deferrable=True`` and a hand-built ``HttpHook`` do not ask for this class: they send no credentials.

    :param method: The method of the requests.
    :param http_conn_id: The connection, of type ``cloudfn``.
    :param auth_type: Must be None: the connection authenticates.
    :param arguments: As of ``HttpHook``, without ``adapter``; those about TCP keep-alive change nothing.
    """

    conn_name_attr = "http_conn_id"
    default_conn_name = "cloudfn_default"
    conn_type = CLOUDFN_FORM.connection_type
    hook_name = CLOUDFN_FORM.title

    def __init__(
        self, method: str = "POST", http_conn_id: str = default_conn_name, auth_type: Any = None, **arguments: Any
    ) -> None:
        if not isinstance(method, str):
            raise ConfigurationError(f"method: must be text, such as 'POST', not {in_words(method)}")
        super().__init__(method=method, http_conn_id=http_conn_id, auth_type=auth_type, **arguments)
        self._function_hook = CloudFunctionHook(http_conn_id)

    def get_conn(self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None) -> Session:
        """
        Return a session that authenticates.

        :param headers: Headers of all its requests.
        :param extra_options: As of ``HttpHook``: ``timeout``, ``stream``, ``allow_redirects``, ``max_redirects``,
            ``check_response``.
        :raises ConfigurationError: for a header or an option that can't be.
        """
        if self._auth_type is not None:
            raise ConfigurationError(
                f"auth_type: connection {self.http_conn_id!r} says itself how to authenticate; leave auth_type out"
            )
        if self.adapter is not None:
            raise ConfigurationError(
                f"adapter: connection {self.http_conn_id!r} sends by itself; leave adapter out: retries are retry_args, and "
                "certificates and a proxy are fields of the connection"
            )
        _require_options(extra_options)
        client = self._function_hook.client()
        own_headers(headers, client.auth.reserved_headers)
        self.base_url = str(client.base_url)
        options = {name: value for name, value in (extra_options or {}).items() if value is not None}
        timeouts = client.timeouts
        self.merged_extra = {"timeout": (timeouts.connect, timeouts.read or timeouts.total), **options}
        session = ClientSession()
        # Neither a .netrc file nor an environment variable changes who asks, or by which way.
        session.trust_env = False
        session.proxies = options.get("proxies", options.get("proxy", {}))
        session.stream = options.get("stream", False)
        session.verify = options.get("verify", options.get("verify_ssl", True))
        session.cert = options.get("cert")
        session.max_redirects = options.get("max_redirects", client.limits.redirects)
        adapter = ClientAdapter(client, self.http_conn_id)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.headers["Accept-Encoding"] = ACCEPT_ENCODING
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
        :raises ConfigurationError: for an argument that can't be; nothing was sent then.
        """
        if request_kwargs.get("auth") is not None:
            raise ConfigurationError("auth: the connection says itself how to authenticate; leave auth out")
        for name in request_kwargs:
            if name not in _OF_A_REQUEST:
                raise ConfigurationError(f"{name}: there is no such argument; {_instead_of(name)}")
        if problem := _data_problem(data):
            raise ConfigurationError(f"data: {problem}")
        if data and self.method not in {"GET", "HEAD"} and request_kwargs.get("json") is not None:
            raise ConfigurationError("json and data: give one of them, they are two ways to give the body")
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
        redaction = self._function_hook.client().redaction()
        reason = redaction.text(response.reason or "")
        self.log.error("HTTP error: %s %s", response.status_code, reason)
        self.log.error("%s", redaction.excerpt(response.content, response.encoding or "utf-8"))
        raise AirflowException(f"{response.status_code}:{reason}")

    def test_connection(self) -> tuple[bool, str]:
        """Prove the credentials without side effects."""
        return self._function_hook.test_connection()


def _require_options(given: object) -> None:
    """
    Make sure that options can be what they are.

    :raises ConfigurationError: for one that would change nothing, or another thing than the one that was meant.
    """
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"extra_options: must be a map, such as {{'timeout': 30}}, not {in_words(given)}")
    for name, value in given.items():
        if name not in _OPTIONS:
            raise ConfigurationError(
                f"extra_options: there is no option {name!r}; {nearest_or_all(str(name), _OPTIONS)}"
            )
        if value is None:
            continue
        if name in _FLAGS and (problem := flag_problem(value)) is not None:
            raise ConfigurationError(f"extra_options: {name} {problem}")
        if name == "max_redirects" and (type(value) is not int or value < 0):
            raise ConfigurationError(f"extra_options: {name} must be a whole number from 0, not {value!r}")


def _instead_of(name: str) -> str:
    if name in _OPTIONS:
        return f"write extra_options={{'{name}': …}}"
    return nearest_or_all(name, _OF_A_REQUEST - {"auth"})


def _data_problem(data: object) -> str | None:
    """Say why ``requests`` can make neither a query nor a body of this."""
    if isinstance(data, (list, tuple)):
        is_right = all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in data)
        return None if is_right else "a list must have pairs of name and value; for a JSON list write json="
    if data is None or isinstance(data, Iterable) or hasattr(data, "read"):
        return None
    return f"must be a map, text or bytes, not {in_words(data)}; for JSON write json="
