"""The forms of the connection types in a browser: filled in, saved, opened again, and then used by a Dag."""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from kit.chromium import CHROMIUM, FLAGS
from kit.server import LoopbackServer, Received
from playwright.sync_api import Locator, Page, expect, sync_playwright

from airflow_provider_cloudfn.connections.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_cloudfn.connections.form import ConnectionForm

pytestmark = [
    pytest.mark.system,
    pytest.mark.browser,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, the connection forms are not tried"),
]

#: Patience of the browser, in milliseconds, on a machine that has more to do.
PATIENCE = 60_000
#: Airflow 3.2 shows what is typed into a secret extra, as into any other; once it is saved nobody sees it there either.
HIDES_EXTRAS = not metadata.version("apache-airflow-core").startswith("3.2.")
#: Airflow 3.4 shows all fields at once, where 3.2 and 3.3 fold them up.
FOLDS = metadata.version("apache-airflow-core").startswith(("3.2.", "3.3."))
STANDARD = ("host", "login", "password")
MASK = "***"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/form+EXAMPLEKEY"
FORM = {form.connection_type: form for form in FORMS}


class Dialog:
    """Airflow's dialog for a connection, worked as a person does: by the words that it shows."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address
        self._dialog = page.get_by_role("dialog")

    def add(self, form: ConnectionForm, conn_id: str = "") -> None:
        self.page.goto(self._address)
        self.page.get_by_role("button", name="Add Connection").click()
        self._dialog.get_by_label("Connection ID").fill(conn_id)
        self._choose(self._dialog.get_by_role("combobox", name="Connection Type"), form.title)

    def edit(self, conn_id: str) -> None:
        self.page.goto(self._address)
        row = self.page.get_by_role("row").filter(has=self.page.get_by_role("cell", name=conn_id, exact=True))
        row.get_by_role("button", name="Edit Connection").click()

    def unfold(self, title: str) -> None:
        if not FOLDS:
            return
        fold = self._dialog.get_by_role("button", name=title, exact=True)
        if fold.get_attribute("aria-expanded") != "true":
            fold.click()
        expect(fold).to_have_attribute("aria-expanded", "true")

    def field(self, label: str) -> Locator:
        words = self.page.locator("label", has_text=re.compile(rf"^\s*{re.escape(label)}\s*\*?\s*$"))
        return self._dialog.get_by_role("group").filter(has=words)

    def box(self, label: str) -> Locator:
        return self.field(label).locator("input, textarea").first

    def hides(self, label: str) -> None:
        """Expect that what is typed into the box is not to be seen."""
        if HIDES_EXTRAS or label in {form.label("password") for form in FORMS}:
            expect(self.box(label)).to_have_attribute("type", "password")

    @property
    def labels(self) -> Locator:
        return self._dialog.locator("label:visible").filter(has_text=re.compile(r"\S"))

    def options(self, label: str) -> list[str]:
        combobox = self.field(label).get_by_role("combobox")
        combobox.press("ArrowDown")
        expect(self.page.get_by_role("option").first).to_be_visible()
        found = self.page.get_by_role("option").all_inner_texts()
        combobox.press("Enter")  # takes what is chosen already; Escape would close the dialog
        expect(self.page.get_by_role("option")).to_have_count(0)
        return found

    def fill(self, form: ConnectionForm, values: Mapping[str, Any]) -> None:
        """Write values, by the names of the standard fields and extras."""
        for name, value in sorted(values.items(), key=lambda item: item[0] not in STANDARD):
            self.unfold("Standard Fields" if name in STANDARD else "Extra Fields")
            label = form.label(name)
            if name in form.fields and form.fields[name].kind == "choice":
                self._choose(self.field(label).get_by_role("combobox"), value)
            else:
                self.box(label).fill(str(value))

    def save(self, said: str) -> None:
        self._dialog.get_by_role("button", name="Save").click()
        expect(self.page.get_by_text(said)).to_be_visible()
        expect(self._dialog).to_be_hidden()

    def _choose(self, combobox: Locator, option: str) -> None:
        combobox.fill(option)
        self.page.get_by_role("option", name=option, exact=True).click()


@pytest.fixture(scope="module")
def dialog(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialog]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"), executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        context.set_default_timeout(PATIENCE)
        yield Dialog(context.pages[0], f"{world.url}/connections")
        context.close()


@pytest.fixture
def connect() -> Iterator[LoopbackServer]:
    """Return what stands where Amazon Connect is."""
    with LoopbackServer() as server:
        server.answer(body={"ContactId": "c-1"})
        yield server


@pytest.mark.parametrize("form", FORMS, ids=FORM)
def test_a_form_shows_every_field_with_its_help(dialog: Dialog, form: ConnectionForm) -> None:
    dialog.add(form)

    always = [re.compile(rf"^Connection {what}\s*\*$") for what in ("ID", "Type")]
    standard, drawn = ["Description", *(one.label for one in form.standard)], [extra.label for extra in form.drawn]
    expect(dialog.labels).to_have_text([*always, *standard] if FOLDS else [*always, *standard, *drawn])
    for one in form.standard:
        expect(dialog.box(one.label)).to_have_attribute("placeholder", one.example)
    dialog.unfold("Extra Fields")
    expect(dialog.labels).to_have_text([*always, *drawn] if FOLDS else [*always, *standard, *drawn])
    for extra in form.drawn:
        expect(dialog.field(extra.label)).to_contain_text(extra.description)
        if extra.kind == "secret":
            dialog.hides(extra.label)
        elif extra.kind == "choice":
            assert dialog.options(extra.label) == list(extra.choices)


@pytest.mark.parametrize("name", ["shop", "payments", "emporix"])
def test_a_connection_made_in_its_form_works(world: Any, dialog: Dialog, name: str) -> None:
    known = world.sandbox.connections()[name]
    form = FORM[known["conn_type"]]
    drawn = {extra.name for extra in form.drawn}
    values = {field: known[field] for field in STANDARD if field in known}
    values |= {extra: value for extra, value in known["extra"].items() if extra in drawn}

    _make_and_save_again(dialog, form, f"form_{name}", values)
    _run(world, f"use_form_{name}")

    if name == "emporix":
        assert world.started("form.used") == [{"dag": "use_form_emporix"}]
    else:
        (answered,) = [one for one in world.sandbox.requests if one.header("x-dag") == f"use_form_{name}"]
        assert (answered.status, answered.caller) == (200, {"shop": "api_key", "payments": "oauth2"}[name])


def test_a_connection_to_amazon_connect_made_in_its_form_works(
    world: Any, dialog: Dialog, connect: LoopbackServer
) -> None:
    values = {
        "login": KEY_ID,
        "password": ACCESS_KEY,
        "region_name": "eu-central-1",
        "endpoint_url": connect.url,
        "read_timeout": 12.5,
        "address_guard": "off",
    }

    _make_and_save_again(dialog, FORM["amazon_connect"], "form_connect", values)
    _run(world, "use_form_connect")

    (request,) = connect.received
    assert request.target == "/contact/task"
    assert _signature(connect.url, request) == request.headers["authorization"].rpartition("Signature=")[2]
    holding = [
        str(file) for file in world.home.rglob("*") if file.is_file() and ACCESS_KEY.encode() in file.read_bytes()
    ]
    assert holding == []


def _make_and_save_again(dialog: Dialog, form: ConnectionForm, conn_id: str, values: Mapping[str, Any]) -> None:
    """Make a connection, see it with its secrets masked when it is opened again, and keep them when it is saved so."""
    dialog.add(form, conn_id)
    dialog.fill(form, values)
    dialog.save("Connection has been successfully created.")

    dialog.edit(conn_id)
    _shows(dialog, form, values)
    dialog.unfold("Standard Fields")
    dialog.box("Description").fill("opened again")
    dialog.save("Connection has been successfully updated.")

    dialog.edit(conn_id)
    expect(dialog.box("Description")).to_have_value("opened again")


def _shows(dialog: Dialog, form: ConnectionForm, values: Mapping[str, Any]) -> None:
    secrets = {"password", *(extra.name for extra in form.drawn if extra.kind == "secret")}
    for name in (*(one.name for one in form.standard), *(one.name for one in form.drawn)):
        label, extra = form.label(name), form.fields.get(name)
        dialog.unfold("Extra Fields" if extra else "Standard Fields")
        value = values.get(name, extra.default if extra else None)
        if extra is not None and extra.kind == "choice":
            expect(dialog.field(label).get_by_text(str(value), exact=True)).to_be_visible()
        elif extra is not None and extra.kind == "boolean":
            expect(dialog.box(label)).to_be_checked(checked=bool(value))
        elif name in secrets:
            dialog.hides(label)
            expect(dialog.box(label)).to_have_value(MASK if value else "")
        elif extra is None or extra.kind != "object":
            expect(dialog.box(label)).to_have_value("" if value is None else str(value))
    seen = dialog.page.content()
    assert [name for name in secrets & set(values) if values[name] in seen] == []


def _run(world: Any, dag_id: str) -> None:
    world.until(
        lambda: dag_id in {dag["dag_id"] for dag in world.api.get("dags", limit="100")["dags"]} or None, "no Dag"
    )
    assert world.finish(dag_id, [world.trigger(dag_id)]) == ["success"]


def _signature(url: str, request: Received) -> str:
    """Return the signature that AWS expects on a request, by botocore."""
    signed = re.search(r"SignedHeaders=([^,]+)", request.headers["authorization"])
    assert signed is not None
    headers = {name: request.headers[name] for name in signed[1].split(";")}
    same = AWSRequest(request.method, url + request.target, headers, request.body)
    same.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY_ID, ACCESS_KEY), "connect", "eu-central-1")
    return str(signer.signature(signer.string_to_sign(same, signer.canonical_request(same)), same))
