"""The context of an instance, read over the API of either engine; and webhooks of Emporix Commerce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kit.dag_runs import call, dag_file
from kit.server import Answer

from airflow_provider_cloudfn import EmporixHook
from airflow_provider_cloudfn.exceptions import ConfigurationError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.server import LoopbackServer, Received

    from airflow_provider_cloudfn.sandbox import Sandbox


@pytest.mark.parametrize("conn_id", ["emporix", "celonis"])
def test_a_step_reads_what_an_event_carried(run: Any, sandbox: Sandbox, conn_id: str) -> None:
    EmporixHook(conn_id).start("order.found", payload={"orderId": "EON1075"})
    instance = sandbox.processes[0].instance_id

    result = run(
        call(
            "EmporixProcessContextOperator",
            emporix_conn_id=repr(conn_id),
            instance_id="cel('conf.instance')",
            returns="'response.body.context[\"order.found\"].orderId'",
            completion_event="CompletionEvent('context.read')",
        ),
        run_conf={"instance": instance},
    )

    assert result.xcom("call") == "EON1075"
    assert result.xcom("call", "cloudfn_call")["conn_id"] == conn_id
    assert [extra["result"] for _, extra, _ in result.asset_events()] == ["EON1075"]


def test_the_whole_document_is_returned_by_default(run: Any, sandbox: Sandbox) -> None:
    EmporixHook("emporix").start("order.found")
    (process,) = sandbox.processes

    result = run(
        call("EmporixProcessContextOperator", emporix_conn_id="'emporix'", instance_id=repr(process.instance_id))
    )

    assert result.xcom("call") == process.document


def test_an_instance_that_is_not_there_fails_the_step(run: Any, sandbox: Sandbox, capfd: Any) -> None:
    result = run(call("EmporixProcessContextOperator", emporix_conn_id="'emporix'", instance_id="'no/such ?'"))

    assert result.states == {"call": ["failed"]}
    assert sandbox.requests[-1].path == "/oe/contexts/no%2Fsuch%20%3F"
    assert "404" in "".join(capfd.readouterr())


def test_a_connection_without_the_path_says_what_is_missing(
    run: Any, sandbox: Sandbox, connection: Callable[..., None], capfd: Any
) -> None:
    fields = sandbox.connections()["emporix"]
    connection("emporix", **{**fields, "extra": {**fields["extra"], "context_path": ""}})

    run(call("EmporixProcessContextOperator", emporix_conn_id="'emporix'", instance_id="'i'"))

    assert "context_path: is missing; no path to the context of an instance is published" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "path", ["contexts/{instance_id}", "/contexts", "/{tenant}/{instance_id}", "//h/{instance_id}"]
)
def test_a_path_that_is_none_is_refused(sandbox: Sandbox, connection: Callable[..., None], path: str) -> None:
    fields = sandbox.connections()["emporix"]
    connection("emporix", **{**fields, "extra": {**fields["extra"], "context_path": path}})

    with pytest.raises(ConfigurationError, match=r"context_path.*must be a path below the API URL"):
        EmporixHook("emporix").settings()


# Webhooks of Emporix Commerce


class WebhookService:
    """Answers as the published description of the Webhook Service says."""

    def __init__(self) -> None:
        self.versions = {"order.created": 3, "order.deleted": 1, "product.created": None}
        self.subscribed: set[str] = set()
        self.config: dict[str, Any] | None = None
        self.changed: list[Any] = []
        self.conflicts = 0
        self.server: LoopbackServer

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/oauth/token":
            return 200, {"access_token": "t0ken-of-the-test", "token_type": "Bearer", "expires_in": 14399}
        assert path.startswith("/webhook/acme/")
        place = path.removeprefix("/webhook/acme")
        if (method, place) == ("GET", "/event-subscriptions"):
            return 200, [
                {
                    "event": {"type": name},
                    "metadata": {} if version is None else {"version": version},
                    "subscription": "SUBSCRIBED" if name in self.subscribed else "NONE",
                }
                for name, version in self.versions.items()
            ]
        if (method, place) == ("GET", "/config/http"):
            return (404, {"code": 404, "status": "Not Found"}) if self.config is None else (200, self.config)
        if (method, place) == ("POST", "/config"):
            self.config = {**body, "active": True}
            for number, entry in enumerate(self.config["configuration"]["eventsConfiguration"]):
                entry["id"] = f"entry-{number}"
            return 201, {"code": "http"}
        if (method, place) == ("PATCH", "/config/http"):
            self.changed += body
            return 204, None
        assert (method, place) == ("PATCH", "/event-subscriptions")
        results = []
        for item in body:
            name = item["eventType"]
            if self.conflicts:
                self.conflicts -= 1
                self.versions[name] = (self.versions[name] or 0) + 1
                results.append({"eventType": name, "code": 409, "status": "CONFLICT"})
            elif item.get("metadata", {}).get("version") == self.versions[name]:
                self.subscribed.add(name)
                results.append({"eventType": name, "code": 200, "status": "OK"})
            else:
                results.append({"eventType": name, "code": 409, "status": "CONFLICT"})
        return 207, results


@pytest.fixture
def commerce(serve: Callable[..., LoopbackServer], connection: Callable[..., None]) -> WebhookService:
    service = WebhookService()

    def reply(received: Received) -> Answer:
        body = received.json() if received.headers.get("content-type") == "application/json" else None
        status, answer = service.answer(received.method, received.target, body)
        return Answer(204, b"", {}) if status == 204 else Answer.of(status, answer)

    service.server = serve(reply=reply)
    url = service.server.url
    extra = {"environment": "custom", "event_receiver_url": f"{url}/e", "api_url": url}
    client = {"client_id": "me", "client_secret": "s3cret-of-mine"}
    connection("shop", conn_type="emporix_oe", login="src_1", password="event-s3cret", extra={**extra, **client})
    return service


URL = "https://airflow.example.com/cloudfn/events/emporix"


def test_a_first_subscription_makes_the_configuration(commerce: WebhookService) -> None:
    done = EmporixHook("shop").subscribe("acme", ["order.created", "PRODUCT.CREATED"], url=URL, secret="hook-s3cret")

    assert done.subscribed == ("order.created", "product.created")
    assert commerce.config is not None
    entries = commerce.config["configuration"]["eventsConfiguration"]
    assert [(one["eventType"], one["destinationUrl"], one["secretKey"]) for one in entries] == [
        ("order.created", URL, "hook-s3cret"),
        ("product.created", URL, "hook-s3cret"),
    ]
    assert commerce.subscribed == {"order.created", "product.created"}
    # The target is there before the first event can come.
    written = [
        one.target for one in commerce.server.received if one.method in ("POST", "PATCH") and "webhook" in one.target
    ]
    assert written == ["/webhook/acme/config", "/webhook/acme/event-subscriptions"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tenant": 3}, "tenant: must be a tenant's name, in lower case, not 3"),
        ({"event_types": "order.created"}, "event_types: must be a list of types, such as ['order.created'], not text"),
        ({"event_types": None}, "event_types: must be a list of types, such as ['order.created'], not null"),
        ({"event_types": []}, "event_types: is empty"),
        ({"event_types": [3]}, "event_types: a type must be text, not an integer"),
        ({"url": None}, "url: must be the receiver's whole URL"),
        ({"url": "/cloudfn/events/emporix"}, "url: must be the receiver's whole URL"),
        ({"secret": b"hook-s3cret"}, "secret: must be text that each message is signed with, not bytes"),
        ({"secret": ["hook-s3cret"]}, "secret: must be text that each message is signed with, not a list"),
        ({"secret": ""}, "secret: must be text that each message is signed with, not empty"),
        ({"headers": "X-Key: header-s3cret"}, "headers: must be a map of names and values, not text"),
        ({"headers": {1: "header-s3cret"}}, "headers: 1 is no name of a header"),
        ({"headers": {"X-Key": None}}, 'headers["X-Key"]: must be text, not null'),
    ],
)
def test_an_argument_that_can_not_be_is_named_and_nothing_is_sent(
    commerce: WebhookService, given: dict[str, Any], expected: str
) -> None:
    arguments: dict[str, Any] = {"tenant": "acme", "event_types": ["order.created"], "url": URL, **given}

    with pytest.raises(ConfigurationError) as raised:
        EmporixHook("shop").subscribe(arguments.pop("tenant"), arguments.pop("event_types"), **arguments)

    assert expected in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert commerce.server.received == []


def test_a_refusal_that_repeats_the_configuration_shows_no_secret_of_it(
    commerce: WebhookService, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = commerce.answer

    def repeating(method: str, path: str, body: Any) -> tuple[int, Any]:
        return (400, {"details": body}) if path.endswith("/config") else answer(method, path, body)

    monkeypatch.setattr(commerce, "answer", repeating)

    with pytest.raises(ResponseError, match=r"it says: .*destinationUrl") as refused:
        EmporixHook("shop").subscribe(
            "acme", ["order.created"], url=URL, secret="hook-s3cret", headers={"X-Key": "header-s3cret"}
        )

    assert "s3cret" not in str(refused.value)


def test_to_subscribe_again_changes_the_secret_and_nothing_else(commerce: WebhookService) -> None:
    hook = EmporixHook("shop")
    hook.subscribe("acme", ["order.created"], url=URL, secret="hook-s3cret")

    done = hook.subscribe("acme", ["order.created"], url=URL, secret="another-s3cret")

    assert (done.subscribed, done.unchanged) == ((), ("order.created",))
    assert commerce.changed == [
        {
            "op": "UPSERT",
            "path": "/configuration/http/eventsConfigurationEntry/entry-0",
            "value": {"eventType": "order.created", "destinationUrl": URL, "secretKey": "another-s3cret"},
        }
    ]


def test_a_type_that_is_new_to_the_configuration_is_added(commerce: WebhookService) -> None:
    hook = EmporixHook("shop")
    hook.subscribe("acme", ["order.created"], url=URL)

    hook.subscribe("acme", ["order.deleted"], url=URL)

    assert [one["path"] for one in commerce.changed] == ["/configuration/http/eventsConfiguration/order.deleted"]


@pytest.mark.parametrize("is_active", [True, False])
def test_a_configuration_that_is_switched_off_is_switched_on(commerce: WebhookService, is_active: bool) -> None:
    hook = EmporixHook("shop")
    hook.subscribe("acme", ["order.created"], url=URL)
    commerce.config["active"] = is_active

    hook.subscribe("acme", ["order.created"], url=URL)

    switched = [change for change in commerce.changed if change["path"] == "/active"]
    assert switched == ([] if is_active else [{"op": "UPSERT", "path": "/active", "value": True}])


def test_a_subscription_that_somebody_changed_in_between_is_tried_once_more(commerce: WebhookService) -> None:
    commerce.conflicts = 1

    assert EmporixHook("shop").subscribe("acme", ["order.created"], url=URL).subscribed == ("order.created",)
    assert commerce.subscribed == {"order.created"}


def test_one_that_is_changed_all_the_time_is_an_error(commerce: WebhookService) -> None:
    commerce.conflicts = 9

    with pytest.raises(ResponseError, match=r"Emporix did not subscribe to order\.created"):
        EmporixHook("shop").subscribe("acme", ["order.created"], url=URL)


def test_an_event_that_emporix_has_not_is_named(commerce: WebhookService) -> None:
    with pytest.raises(ConfigurationError, match=r"has no event 'order\.craeted'; did you mean 'order\.created'"):
        EmporixHook("shop").subscribe("acme", ["order.craeted"], url=URL)
    assert commerce.config is None


def test_another_target_stays_as_it_is(commerce: WebhookService) -> None:
    hook = EmporixHook("shop")
    hook.subscribe("acme", ["order.created"], url="https://another.example.com/hook")

    with pytest.raises(ConfigurationError, match="is sent elsewhere already"):
        hook.subscribe("acme", ["order.created"], url=URL)
    assert commerce.changed == []


def test_a_tenant_is_written_in_lower_case(commerce: WebhookService) -> None:
    with pytest.raises(ConfigurationError, match="tenant: must be a tenant's name, in lower case"):
        EmporixHook("shop").subscribe("Acme", ["order.created"], url=URL)


def test_what_is_no_id_of_a_connection_is_refused_when_the_dag_is_parsed(import_errors: Any) -> None:
    step = "EmporixProcessContextOperator(task_id='read', instance_id='i', emporix_conn_id='https://api.emporix.io')"

    assert "read: emporix_conn_id: is a URL: make a connection" in import_errors(dag_file(step))
