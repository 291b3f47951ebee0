"""``airflow cloudfn init``: what it writes passes what it says to do next."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

API_KEY = ("--auth", "api_key", "--host", "https://api.example.com")
OAUTH2 = (
    *("--auth", "oauth2", "--host", "https://api.example.com/base", "--conn-id", "shop-2"),
    *(
        "--token-url",
        "https://login.example.com/token",
        "--client-id",
        "it's mine",
        "--scopes",
        "orders:read orders:write",
    ),
)
FILES = {"dags/first_call.py", "sample.yaml", "tests/test_first_call.py", ".airflowignore", "README.md"}
SECRET = "pa$$ 'word' \\ \"of mine\""

EACH_KIND = pytest.mark.parametrize("options", [API_KEY, OAUTH2], ids=["api_key", "oauth2"])


class Terminal(io.StringIO):
    """Standard input that is a terminal, at which these lines are typed."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "my first"


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def shell_commands(folder: Path) -> list[str]:
    """Return the commands of the README that it has written."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (folder / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def typed_into_bash(command: str, line: str) -> list[str]:
    """Return the arguments that ``airflow`` gets where a command is carried out in bash, and a line is typed at it."""
    tell = 'airflow() { "$PYTHON" -c "import json, sys; print(json.dumps(sys.argv[1:]))" "$@"; }'
    ended = subprocess.run(
        ["bash", "-c", f"{tell}\n{command}"],
        input=f"{line}\n",
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    arguments: list[str] = json.loads(ended.stdout)
    return arguments


@EACH_KIND
def test_it_writes_a_dag_a_sample_a_test_and_what_to_do_next(
    cloudfn: Callable[..., Any], folder: Path, options: tuple[str, ...]
) -> None:
    ended = cloudfn("init", str(folder), *options)

    assert ended.code == 0, ended.err
    assert files_in(folder) == FILES
    assert (folder / "README.md").read_text() in ended.out


@EACH_KIND
@pytest.mark.parametrize("checked", ["", "dags"])
def test_it_passes_the_check(cloudfn: Callable[..., Any], folder: Path, options: tuple[str, ...], checked: str) -> None:
    cloudfn("init", str(folder), *options)

    document = cloudfn("check", str(folder / checked), "--json").document

    assert (document["dags"], document["tasks"], document["problems"]) == (1, 2, [])


@EACH_KIND
def test_its_test_passes(cloudfn: Callable[..., Any], folder: Path, options: tuple[str, ...]) -> None:
    cloudfn("init", str(folder), *options)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        # What is installed for our own tests, which takes seconds to load, a reader does not have.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
    assert "3 passed" in ended.stdout


def test_its_commands_for_the_step_work(
    cloudfn: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudfn("init", str(folder), *API_KEY)
    monkeypatch.chdir(folder)
    commands = [line.split()[2:] for line in shell_commands(folder) if line.startswith("airflow cloudfn ")]

    ended = {command[0]: cloudfn(*command) for command in commands if "--send" not in command}

    assert {name: one.code for name, one in ended.items()} == {"check": 0, "render": 0}
    assert "https://myapi.test/v1/reports" in ended["render"].out
    assert commands[-1] == [
        "test",
        "first_call",
        "fetch",
        *["--file", "dags/first_call.py", "--sample", "sample.yaml", "--send"],
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            API_KEY,
            ("myapi", "https://api.example.com", {"auth_type": "api_key", "key_name": "x-api-key"}),
            id="api_key",
        ),
        pytest.param(
            OAUTH2,
            (
                "shop-2",
                "https://api.example.com/base",
                {
                    "auth_type": "oauth2",
                    "oauth2_url": "https://login.example.com/token",
                    "client_id": "it's mine",
                    "scopes": "orders:read orders:write",
                },
            ),
            id="oauth2",
        ),
        pytest.param(
            ("--auth", "api_key", "--host", "http://127.0.0.1:8765/header", "--key-name", "X-Key"),
            (
                "myapi",
                "http://127.0.0.1:8765/header",
                {"allow_http": True, "auth_type": "api_key", "key_name": "X-Key"},
            ),
            id="without TLS",
        ),
    ],
)
def test_its_command_creates_the_connection_with_the_secret_that_is_typed(
    cloudfn: Callable[..., Any], folder: Path, options: tuple[str, ...], expected: tuple[str, str, dict[str, Any]]
) -> None:
    from airflow.cli.cli_parser import get_parser

    cloudfn("init", str(folder), *options)
    command = shell_commands(folder)[0]

    given = get_parser().parse_args(typed_into_bash(command, SECRET))

    assert (given.conn_id, given.conn_type, given.conn_password) == (expected[0], "cloudfn", SECRET)
    assert (given.conn_host, json.loads(given.conn_extra)) == expected[1:]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_is_there_stays_and_nothing_is_written(
    cloudfn: Callable[..., Any], folder: Path, name: str
) -> None:
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")

    ended = cloudfn("init", str(folder), *API_KEY)

    assert ended.code == 2
    assert f"has {name} already: name another folder" in ended.err
    assert files_in(folder) == {name}
    assert (folder / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["dags", "tests"])
def test_where_a_file_stands_in_a_folder_s_place_nothing_is_written(
    cloudfn: Callable[..., Any], folder: Path, name: str
) -> None:
    folder.mkdir()
    (folder / name).write_text("mine")

    ended = cloudfn("init", str(folder), *API_KEY)

    assert (ended.code, f"{folder / name} is no folder" in ended.err) == (2, True)
    assert files_in(folder) == {name}


def test_a_link_that_leads_nowhere_is_not_written_through(
    cloudfn: Callable[..., Any], folder: Path, tmp_path: Path
) -> None:
    folder.mkdir()
    (folder / "sample.yaml").symlink_to(tmp_path / "elsewhere")

    assert cloudfn("init", str(folder), *API_KEY).code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_what_else_is_in_the_folder_stays(cloudfn: Callable[..., Any], folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")

    assert cloudfn("init", str(folder), *API_KEY).code == 0
    assert files_in(folder) == {*FILES, "notes.txt"}


def test_it_asks_on_a_terminal_for_what_no_option_says(
    cloudfn: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("basic\noauth2\n\nhttps://login.example.com/token\nme\n\n\n"))

    ended = cloudfn("init", str(folder), "--host", "https://api.example.com")

    assert ended.code == 0, ended.err
    asked = re.findall(
        r"([A-Z][^:\n]*?(?: such as https://\S+)?(?: \(.*?\))?(?: \[.*?\])?): ", ended.out.split("\nWritten")[0]
    )
    assert asked == [
        "How the API knows who calls (api_key or oauth2)",
        "How the API knows who calls (api_key or oauth2)",
        "Where an access token is asked for, such as https://login.example.com/token",
        "Where an access token is asked for, such as https://login.example.com/token",
        "The public name of your client",
        "The permissions to ask for, with spaces between them [none]",
        "The id of the Airflow connection [myapi]",
    ]
    assert '"client_id": "me"}' in shell_commands(folder)[0]


def test_a_terminal_that_is_left_ends_it_with_nothing_written(
    cloudfn: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("api_key\n"))

    ended = cloudfn("init", str(folder))

    assert (ended.code, folder.exists()) == (2, False)
    assert "--host was not answered: nothing is written" in ended.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(
            (), "--auth, --host must be given where there is no terminal to ask in: --auth is one of", id="nothing"
        ),
        pytest.param(
            ("--auth", "oauth2", "--host", "https://api.example.com"),
            "--token-url, --client-id must be given",
            id="no client",
        ),
        pytest.param((*API_KEY, "--client-id", "me"), "--client-id belongs to --auth oauth2", id="of another kind"),
        pytest.param((*API_KEY, "--conn-id", 'a"; import os'), "--conn-id: ", id="no id"),
        pytest.param((*API_KEY, "--key-name", "x api key"), "key_name", id="no header"),
        pytest.param((*API_KEY[:-1], "api example com"), "host", id="no host"),
        pytest.param((*OAUTH2, "--token-url", "login.example.com"), "oauth2_url", id="no token URL"),
    ],
)
def test_what_can_not_be_is_told_and_nothing_is_written(
    cloudfn: Callable[..., Any], folder: Path, options: tuple[str, ...], told: str
) -> None:
    ended = cloudfn("init", str(folder), *options)

    assert (ended.code, folder.exists()) == (2, False)
    assert "airflow cloudfn init: " in ended.err
    assert told in ended.err


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("--host", "https://me:hunter2hunter2@api.example.com"),
        ("--host", "https://api.example.com/?key=hunter2hunter2"),
        ("--token-url", "https://me:hunter2hunter2@login.example.com"),
    ],
)
def test_a_secret_in_a_url_is_refused_and_not_shown(
    cloudfn: Callable[..., Any], folder: Path, option: str, url: str
) -> None:
    ended = cloudfn("init", str(folder), *OAUTH2, option, url)

    assert (ended.code, folder.exists()) == (2, False)
    assert "hunter2" not in ended.out + ended.err


def test_a_file_in_the_folder_s_place_is_told(cloudfn: Callable[..., Any], folder: Path) -> None:
    folder.touch()

    ended = cloudfn("init", str(folder), *API_KEY)

    assert ended.code == 2
    assert "is a file: name a folder" in ended.err
