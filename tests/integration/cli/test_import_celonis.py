"""``airflow cloudfn import-celonis``: the documents' own form, and their own examples of CEL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cloudfn.cli.import_celonis_command import operator_of
from airflow_provider_cloudfn.exceptions import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORM = """
Name: Create charge
Provider: Custom
Connection:
  Connection name: Payments API
  Base URL: https://api.example.com
  Authentication type: API key
  Location: Header
  HeaderName: x-api-key
  Value: 79402633-8f0a-4c8d-b3e1-72f88b532f1b
Method: POST
URI: '"/v1/charges"'
Query parameters:
  - Key: '"environment"'
    Value: '"production"'
Headers:
  '"Content-Type"': '"application/json"'
Body: '{ "customer_name": "John Doe", "priority": "High", "is_active": true }'
Completion event: charge.created
"""
QUERY = FORM[FORM.index("Query parameters") : FORM.index("Headers")]
BODY = FORM[FORM.index("Body: ") : FORM.index("Completion event")]
OPERATOR = """from airflow_provider_cloudfn import CloudFunctionOperator, CompletionEvent

CloudFunctionOperator(
    task_id='create_charge',
    function_name='Create charge',
    cloudfn_conn_id='payments_api',
    method='POST',
    uri='"/v1/charges"',
    query={
        '"environment"': '"production"',
    },
    headers={
        '"Content-Type"': '"application/json"',
    },
    body='{ "customer_name": "John Doe", "priority": "High", "is_active": true }',
    completion_event=CompletionEvent('charge.created'),
)"""


@pytest.fixture
def imported(cloudfn: Callable[..., Any], tmp_path: Path) -> Callable[[str], Any]:
    def run(form: str, *options: str) -> Any:
        (tmp_path / "form.yaml").write_text(form)
        return cloudfn("import-celonis", str(tmp_path / "form.yaml"), *options)

    return run


@pytest.mark.parametrize("label", ["HeaderName", "Name", "Header name"])
def test_the_documents_own_example_becomes_an_operator_that_works(imported: Callable[..., Any], label: str) -> None:
    document = json.loads(imported(FORM.replace("HeaderName", label), "--json").out)

    assert document["operator"] == OPERATOR
    assert document["conn_id"] == "payments_api"
    assert document["connection"] == {
        "conn_type": "cloudfn",
        "host": "https://api.example.com",
        "password": "<the value>",
        "extra": {"auth_type": "api_key", "key_location": "header", "key_name": "x-api-key"},
    }
    exec(compile(document["operator"], "imported", "exec"), {})


def test_no_secret_of_the_form_is_printed(imported: Callable[..., Any]) -> None:
    ended = imported(FORM)

    assert ended.code == 0
    assert "79402633" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (
            {
                "Connection name": "Amazon CNT",
                "Default region": "eu-central-1",
                "Access key ID": "AKIAIOSFODNN7EXAMPLE",
            },
            {
                "conn_type": "amazon_connect",
                "login": "AKIAIOSFODNN7EXAMPLE",
                "password": "<the secret access key>",
                "extra": {"region_name": "eu-central-1"},
            },
        ),
        (
            {
                "Connection name": "CRM",
                "Base URL": "https://crm.example.com",
                "Authentication type": "OAuth 2.0",
                "Client ID": "f9b8c2d",
                "Scopes": "intelligence.conversations:write",
                "Token URL": "https://team.celonis.cloud/api/external/oauth2/token",
            },
            {
                "conn_type": "cloudfn",
                "host": "https://crm.example.com",
                "password": "<the client secret>",
                "extra": {
                    "auth_type": "oauth2",
                    "client_id": "f9b8c2d",
                    "scopes": "intelligence.conversations:write",
                    "oauth2_url": "https://team.celonis.cloud/api/external/oauth2/token",
                },
            },
        ),
    ],
    ids=["Amazon Connect", "OAuth 2.0"],
)
def test_each_connection_of_the_form_has_its_fields_here(
    imported: Callable[..., Any], connection: dict[str, str], expected: dict[str, Any]
) -> None:
    provider = "Amazon Connect" if "Default region" in connection else "Custom"
    form = {"Name": "n", "Provider": provider, "Connection": connection, "Method": "GET", "URI": '"/x"'}

    assert json.loads(imported(json.dumps(form), "--json").out)["connection"] == expected


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("double(json.invoice_amount) > 50000.0", "double(json.invoice_amount) > 50000.0"),
        ("context.source_system + request.payload.invoice_num", "context.source_system + request.payload.invoice_num"),
        ('contextEventPath("event-name:property")', 'contextEventPath("event-name:property")'),
        ("“/v1/charges”", '"/v1/charges"'),
        (r'request.path.startsWith("C:\\Users\\Admin")', r'request.path.startsWith("C:\\Users\\Admin")'),
    ],
)
def test_what_the_documents_print_is_taken(printed: str, written: str) -> None:
    operator, _ = operator_of({"name": "n", "method": "GET", "uri": '"/"', "headers": {'"X"': printed}}, "c")

    assert repr(written) in operator


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("environment: '\"production\"'", "'environment': '\"production\"'"),
        ("'page[size]': 5", "'page[size]': '5'"),
        ("run: true", "'run': 'true'"),
        ("'\"x-\" + context.name': context.order.id", "'\"x-\" + context.name': 'context.order.id'"),
    ],
)
def test_a_key_is_an_expression_where_it_begins_with_a_quote(
    imported: Callable[..., Any], query: str, expected: str
) -> None:
    operator = json.loads(imported(f"{FORM}Query parameters: {{{query}}}\n".replace(QUERY, ""), "--json").out)[
        "operator"
    ]

    assert f"query={{\n        {expected},\n    }}" in operator


@pytest.mark.parametrize(
    ("body", "written", "is_noted"),
    [
        ("{a: 1, b: 2026-01-31, c: text}", "body={'a': 1, 'b': '2026-01-31', 'c': 'text'}", False),
        ("[{a: context.order.id}]", "body=[{'a': 'context.order.id'}]", True),
    ],
)
def test_a_body_that_is_a_map_is_written_as_one(
    imported: Callable[..., Any], body: str, written: str, is_noted: bool
) -> None:
    form = FORM.replace(BODY, f"Body: {body}\n")

    document = json.loads(imported(form, "--json").out)

    assert written in document["operator"]
    assert any('cel("…")' in note for note in document["notes"]) is is_noted


@pytest.mark.parametrize(
    ("printed", "remedy"),
    [
        ("request.payload.status = “APPROVED”", "a comparison is written =="),
        ("settings.target_vendor = request.payload.vendor_name", "a comparison is written =="),
        ('"Sales_Order_Items"."Price" * "Sales_Order_Items"."Quantity"', 'context["Sales_Order_Items"]["Price"]'),
        ('NAME1 + "VIP customer"', "unknown name 'NAME1'"),
    ],
)
def test_what_the_documents_print_and_cel_refuses_says_what_to_write(printed: str, remedy: str) -> None:
    with pytest.raises(ExpressionError) as failure:
        operator_of({"name": "n", "method": "GET", "uri": '"/"', "headers": {'"X"': printed}}, "c")

    assert remedy in str(failure.value)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("just text", "must be a map of the form's labels"),
        (FORM.replace("Method: POST", "Metod: POST"), "the form has no 'metod'; did you mean 'method'?"),
        (FORM.replace("Method: POST", "Method: FETCH"), "Method: 'FETCH' is none of"),
        (FORM.replace("Provider: Custom", "Provider: Salesforce"), "none of Custom, Amazon Connect"),
        (FORM.replace("  Authentication type: API key", "  Authentication type: Kerberos"), "must be API key, OAuth 2.0 or None"),
        (FORM.replace("URI: '\"/v1/charges\"'", "URI: /v1/charges"), "URI"),
        (FORM.replace("HeaderName", "Header_name").replace("  Location", "  Header name: x\n  Location"), "'header name' stands twice"),
        (FORM.replace("  Location", "  Name: x\n  Location"), "'headername' stands there under another name, too"),
        (FORM.replace("charge.created", "[charge.created]"), "Completion event: must be text, not a list"),
        (FORM.replace("Name: Create charge", "Name: {a: b}"), "Name: must be text, not a map"),
        (FORM.replace("https://", "https://me@"), "'base url' holds credentials before the @"),
        (FORM.replace('"Content-Type"', '"Authorization"'), "'Authorization' holds a secret, which belongs into no file"),
        (FORM.replace('''\'"Content-Type"\'''', "context.name"), 'begins with a quote: "" + context.name'),
        (FORM.replace('"is_active"', '"priority"'), "Body: has the key 'priority' twice in one object"),
        (FORM.replace(BODY, "Body: {a: .inf}\n"), "Body: a: "),
        (f"{FORM}Since: 2026-13-45", "is neither JSON nor YAML"),
        ("[" * 100_000, "is neither JSON nor YAML"),
        (FORM.replace("Completion event: charge.created", "") .replace("Name: Create charge", ""), "'name' is missing"),
    ],
)  # fmt: skip
def test_what_is_no_form_says_why(imported: Callable[..., Any], form: str, message: str) -> None:
    ended = imported(form)

    assert ended.code != 0
    assert message in ended.err


@pytest.mark.parametrize(
    ("form", "place"),
    [
        (FORM.replace("https://", "https://me:hunter2@"), "Connection: 'base url'"),
        (FORM.replace("api.example.com", "api.example.com/?api_key=hunter2"), "Connection: 'base url'"),
        (FORM.replace("/v1/charges", "/v1/charges?api_key=hunter2"), "URI"),
        (FORM.replace("'\"/v1/charges\"'", "'\"/v1?a=1&token=hunter2&b=\" + inputs.b'"), "URI"),
        (FORM.replace('"Content-Type"', '"Authorization"'), "headers: 'Authorization'"),
        (FORM.replace('"application/json"', '"Bearer hunter2hunter2"'), "headers: 'Content-Type'"),
        (FORM.replace('"production"', '"sk_live_hunter2"'), "query parameters: 'environment'"),
        (FORM.replace('"priority": "High"', '"client_secret": "hunter2"'), "Body"),
        (FORM.replace('"priority": "High"', '“client_secret”: “hunter2”'), "Body"),
        (FORM.replace('"priority": "High"', '"client_secret": "hunter2", "id": inputs.id'), "Body"),
        (FORM.replace(BODY, "Body: {login: {password: hunter2}}\n"), "Body"),
    ],
)  # fmt: skip
def test_a_secret_that_stands_in_the_form_is_refused_and_not_shown(
    imported: Callable[..., Any], form: str, place: str
) -> None:
    ended = imported(form)

    assert ended.code != 0
    assert f"{place} holds a secret, which belongs into no file" in ended.err
    assert "hunter2" not in ended.out + ended.err


def test_a_secret_that_an_expression_reads_is_none_of_the_form(imported: Callable[..., Any]) -> None:
    form = FORM.replace("'\"/v1/charges\"'", "'\"/v1/charges?token=\" + inputs.token'")
    form = form.replace('"Content-Type"', '"Authorization"').replace('"application/json"', '"Bearer " + inputs.token')
    form = form.replace('"priority": "High"', '"password": inputs.password')

    assert imported(form).code == 0
