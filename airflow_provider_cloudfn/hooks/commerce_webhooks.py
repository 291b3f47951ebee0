"""Webhooks of Emporix Commerce (Webhook Service): that events of some types are sent to a receiver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from airflow_provider_cloudfn.auth.header_fields import is_token
from airflow_provider_cloudfn.auth.redacted import Redacted
from airflow_provider_cloudfn.exceptions import ConfigurationError, ResponseError, in_words, nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_cloudfn.client.response import Response
    from airflow_provider_cloudfn.hooks.emporix_api import EmporixApiHook

__all__ = ["CommerceWebhooks", "Subscribed", "Target"]

#: The one configuration that a tenant can have for a receiver of its own.
_CODE: Final = "http"


class Target(Redacted, frozen=True, kw_only=True):
    """
    Where events are sent.

    :param url: The receiver. It must answer HEAD or OPTIONS with a success: the service tries that.
    :param secret: What each message is signed with (``emporix-event-signature``); None for no signature.
    :param headers: Further headers of each message, 10 at most.
    """

    _hidden: ClassVar = frozenset({"secret", "headers"})

    url: str
    secret: str | None = None
    headers: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        url: object = self.url
        secret: object = self.secret
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "url: must be the receiver's whole URL, such as 'https://…/cloudfn/events/emporix'"
            )
        # What stands in these is secret: only its kind is told.
        if secret is not None and not (isinstance(secret, str) and secret):
            found = "empty" if secret == "" else in_words(secret)
            raise ConfigurationError(f"secret: must be text that each message is signed with, not {found}")
        if not isinstance(self.headers, Mapping):
            raise ConfigurationError(f"headers: must be a map of names and values, not {in_words(self.headers)}")
        for name, value in self.headers.items():
            if not is_token(name):
                raise ConfigurationError(f"headers: {name!r} is no name of a header (RFC 9110, section 5.6.2)")
            if not isinstance(value, str):
                raise ConfigurationError(f'headers["{name}"]: must be text, not {in_words(value)}')

    def entry(self, event_type: str) -> dict[str, Any]:
        """Return the entry that sends a type of event here."""
        found: dict[str, Any] = {"eventType": event_type, "destinationUrl": self.url}
        if self.secret is not None:
            found["secretKey"] = self.secret
        if self.headers:
            found["headers"] = {name: {"value": value} for name, value in self.headers.items()}
        return found


class Subscribed(Struct, frozen=True):
    """
    What was done.

    :param subscribed: The types that were subscribed to now.
    :param unchanged: Those that were before.
    """

    subscribed: tuple[str, ...]
    unchanged: tuple[str, ...]


class CommerceWebhooks:
    """
    The Webhook Service of a tenant. Its API client needs the scopes ``webhook.subscription_manage`` and ``…_read``.

    :param api: The API.
    :param tenant: The tenant, in lower case.
    """

    def __init__(self, api: EmporixApiHook, tenant: str) -> None:
        given: object = tenant
        if not isinstance(given, str) or not given or given != given.lower():
            raise ConfigurationError(f"tenant: must be a tenant's name, in lower case, not {given!r}")
        self._api = api
        self._root = f"/webhook/{quote(tenant, safe='')}"
        #: What an error must not show, when the service repeats what it was sent.
        self._secrets: dict[str, str] = {}

    def subscribe(self, event_types: Sequence[str], target: Target) -> Subscribed:
        """
        Let events be sent to a target; to do it again changes nothing but the secret and the headers.

        The target comes first: an event that is sent to nobody is dropped, and not sent again.

        :param event_types: Such as ``order.created``.
        :param target: Where they are sent.
        :raises ConfigurationError: for a type that the service does not know, and where another target has it.
        :raises CloudFunctionError: when the service refuses.
        """
        if isinstance(event_types, (str, bytes)) or not isinstance(event_types, Iterable):
            raise ConfigurationError(
                f"event_types: must be a list of types, such as ['order.created'], not {in_words(event_types)}"
            )
        event_types = tuple(event_types)
        if not event_types:
            raise ConfigurationError("event_types: is empty; write the types that are sent, such as ['order.created']")
        for event_type in event_types:
            if not isinstance(event_type, str):
                raise ConfigurationError(f"event_types: a type must be text, not {in_words(event_type)}")
        told = [*([] if target.secret is None else [target.secret]), *target.headers.values()]
        self._secrets = {f"of the target, {number}": value for number, value in enumerate(told)}
        wanted = self._known(event_types)
        self._direct(list(wanted), target)
        before = tuple(name for name, one in wanted.items() if one.get("subscription") == "SUBSCRIBED")
        missing = [name for name in wanted if name not in before]
        # Another program may have changed a subscription in between: then the newest version is asked for, once.
        if left := self._change(missing, wanted, last=False):
            self._change(left, self._known(left), last=True)
        return Subscribed(tuple(missing), before)

    def _known(self, event_types: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what the service knows of each type, by its own spelling."""
        listed = _body(list, self._send("GET", "/event-subscriptions"), "the event subscriptions")
        catalogue = {str(one["event"]["type"]): one for one in listed if isinstance(one, dict) and "event" in one}
        by_small = {name.lower(): name for name in catalogue}
        found = {}
        for event_type in event_types:
            name = by_small.get(event_type.lower())
            if name is None:
                near = nearest_name(event_type, sorted(catalogue))
                hint = f"; did you mean {near!r}?" if near else ""
                raise ConfigurationError(f"event_types: Emporix has no event {event_type!r}{hint}")
            found[name] = catalogue[name]
        return found

    def _direct(self, event_types: Sequence[str], target: Target) -> None:
        """Let the tenant's HTTP configuration send these types to the target."""
        answer = self._send("GET", f"/config/{_CODE}", allowed=(404,))
        if answer.status == 404:
            configuration = {"destinationUrl": target.url, "eventsConfiguration": list(map(target.entry, event_types))}
            whole = {"code": _CODE, "active": True, "provider": "HTTP", "configuration": configuration}
            self._send("POST", "/config", whole)
            return
        found = _body(dict, answer, "the webhook configuration")
        entries = (found.get("configuration") or {}).get("eventsConfiguration") or []
        changes: list[dict[str, Any]] = [] if found.get("active") else [_upsert("/active", True)]
        for event_type in event_types:
            own = [one for one in entries if str(one.get("eventType", "")).lower() == event_type.lower()]
            same = [one for one in own if one.get("destinationUrl") == target.url]
            if own and not same:
                raise ConfigurationError(
                    f"event_types: {event_type!r} is sent elsewhere already, and to add a second target is left to the "
                    "Management Dashboard: the other's secret can't be read, and so not written again"
                )
            place = f"Entry/{same[0]['id']}" if same and same[0].get("id") else f"/{quote(event_type, safe='.')}"
            changes.append(_upsert(f"/configuration/http/eventsConfiguration{place}", target.entry(event_type)))
        self._send("PATCH", f"/config/{_CODE}", changes)

    def _change(self, event_types: Sequence[str], known: Mapping[str, Any], *, last: bool) -> list[str]:
        """Subscribe to types, and return those that somebody else has changed in between."""
        if not event_types:
            return []
        items = []
        for name in event_types:
            version = (known[name].get("metadata") or {}).get("version")
            item = {"eventType": name, "action": "SUBSCRIBE"}
            items.append(item if version is None else {**item, "metadata": {"version": version}})
        answer = self._send("PATCH", "/event-subscriptions", items)
        results = _body(list, answer, "the subscription's results")
        codes = {str(one.get("eventType")): one.get("code") for one in results if isinstance(one, dict)}
        left = [name for name in event_types if codes.get(name) == 409]
        wrong = [f"{name} ({codes.get(name)})" for name in event_types if codes.get(name) not in (200, 201, 204, 409)]
        if wrong or (left and last):
            raise ResponseError(
                f"Emporix did not subscribe to {', '.join(wrong or left)}",
                status=answer.status,
                request_id=answer.request_id,
            )
        return left

    def _send(self, method: str, path: str, body: Any = None, *, allowed: Sequence[int] = ()) -> Response:
        from airflow_provider_cloudfn.client.body import Json
        from airflow_provider_cloudfn.client.request import Request, Sending

        request = Request(method, self._root + path, body=None if body is None else Json(body, "configuration"))
        # Each of these says how it is to be, and so can be said twice, but the one that creates.
        sending = Sending(idempotent=True if method != "POST" else None, check_status=not allowed)
        client = self._api.client()
        client = replace(client, secret_values={**client.secret_values, **self._secrets})
        answer = client.request_sync(request, sending)
        if answer.ok or answer.status in allowed:
            return answer
        raise client.failure(method, answer)


def _body(kind: type, answer: Response, what: str) -> Any:
    """Return the body of an answer, which must be a map or a list."""
    if not isinstance(answer.body, kind):
        raise ResponseError(
            f"{what}: the answer is no JSON {'object' if kind is dict else 'list'}",
            status=answer.status,
            request_id=answer.request_id,
        )
    return answer.body


def _upsert(path: str, value: Any) -> dict[str, Any]:
    return {"op": "UPSERT", "path": path, "value": value}
