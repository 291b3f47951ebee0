"""What ``airflow cloudfn init`` writes: a first Dag, a sample of what it reads, a test, and what to do next."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FirstProject"]

_DAG = Template('''\
"""A first Dag: it fetches an order, and reports it. Put in the paths and names that your API has."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_cloudfn import CloudFunctionOperator

with DAG("first_call", schedule=None, params={"order_id": "1001"}):
    fetch = CloudFunctionOperator(
        task_id="fetch",
        cloudfn_conn_id="$conn_id",
        # An expression: text stands in quotes inside the quotes, and what stands in none is read from the run.
        uri='"/v1/orders/" + url.encode(params.order_id)',
    )
    report = CloudFunctionOperator(
        task_id="report",
        cloudfn_conn_id="$conn_id",
        method="POST",
        uri='"/v1/reports"',
        body='{"order": steps.fetch.id, "total": steps.fetch.total}',
    )
    fetch >> report
''')

_SAMPLE = """\
# What the Dag reads in a run, for `airflow cloudfn render`, `airflow cloudfn test`, and the test.
params: {order_id: "1001"}
steps:
  fetch: {id: "1001", total: 42}
"""

_TEST = '''\
"""The first Dag, without a network and without Airflow's database."""

from __future__ import annotations

import runpy
from pathlib import Path

import yaml

from airflow_provider_cloudfn.exceptions import ResponseError
from airflow_provider_cloudfn.testing import render, run

FOLDER = Path(__file__).parents[1]
STEPS = runpy.run_path(str(FOLDER / "dags" / "first_call.py"))
SAMPLE = yaml.safe_load((FOLDER / "sample.yaml").read_text())


def test_the_order_of_the_run_is_fetched() -> None:
    request = render(STEPS["fetch"], params={"order_id": "a/b"})

    assert (request.method, request.path) == ("GET", "/v1/orders/a%2Fb")


def test_the_total_of_the_order_is_reported() -> None:
    request = render(STEPS["report"], **SAMPLE)

    assert (request.method, request.path) == ("POST", "/v1/reports")
    assert request.body == {"order": "1001", "total": 42}


def test_an_order_that_is_not_there_fails_the_step() -> None:
    result = run(STEPS["fetch"], responses="not_found", **SAMPLE)

    assert isinstance(result.error, ResponseError)
'''

#: Airflow's parser would take the test, which names the Dag, for a Dag file.
_IGNORED = "tests/\n"

_README = Template("""\
# A first call

`dags/first_call.py` is the Dag, `sample.yaml` holds values that it reads, `tests/test_first_call.py` tests it. Carry out
these commands in this folder.

Create the connection, once, from bash or zsh. The command waits for $secret: paste it and press Enter; it is not
shown, and not kept in the shell's history.

```sh
$connection
```

Check the expressions, see what a step would send, and run the test. Nothing is sent:

```sh
airflow cloudfn check dags
airflow cloudfn render first_call report --file dags/first_call.py --sample sample.yaml
python -m pytest tests
```

Put the paths of your API into the Dag, then send its first request:

```sh
airflow cloudfn test first_call fetch --file dags/first_call.py --sample sample.yaml --send
```

In Airflow's Dags folder it is a Dag like any other.
""")

_SECRETS = {"api_key": "the API key", "oauth2": "the client secret"}


@dataclass(frozen=True, slots=True)
class FirstProject:
    """
    A folder with a first Dag. No secret is part of it.

    :param conn_id: The id of the connection.
    :param host: The base URL of the API.
    :param auth_type: ``api_key`` or ``oauth2``.
    :param settings: What the authentication needs besides its secret, by the names of the connection's extras.
    """

    conn_id: str
    host: str
    auth_type: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def extra(self) -> dict[str, object]:
        """Return the extras of the connection."""
        urls = (self.host, *self.settings.values())
        clear = {"allow_http": True} if any(url.startswith("http://") for url in urls) else {}
        return {**clear, "auth_type": self.auth_type, **self.settings}

    def connection_command(self) -> str:
        """Return the command line that creates the connection; it asks for the secret."""
        options = ["--conn-type", "cloudfn", "--conn-host", self.host, "--conn-extra", json.dumps(self.extra())]
        add = shlex.join(["airflow", "connections", "add", self.conn_id, *options])
        # One line: of several that are pasted at once, `read` would take the next one for the secret.
        return f'read -rs SECRET && {add} --conn-password "$SECRET"; unset SECRET'

    def next_steps(self) -> str:
        """Return what to do next, as Markdown."""
        return _README.substitute(secret=_SECRETS[self.auth_type], connection=self.connection_command())

    def files(self) -> dict[str, str]:
        """Return the text of each file by its path in the folder."""
        return {
            "dags/first_call.py": _DAG.substitute(conn_id=self.conn_id),
            "sample.yaml": _SAMPLE,
            "tests/test_first_call.py": _TEST,
            ".airflowignore": _IGNORED,
            "README.md": self.next_steps(),
        }
