"""
The CEL engine against compiled Jinja2 native templates and cel-python's cached interpreter.

Every figure is a ratio of processor times measured alternately in one run, so that a loaded machine slows all of them.
Prints the ratios with their targets, and exits with 1 when one is missed.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import celpy
from jinja2.nativetypes import NativeEnvironment

from airflow_provider_cloudfn import cel
from airflow_provider_cloudfn.cel import program as programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLES = ("steps", "params", "run")


@dataclass(frozen=True)
class Kind:
    """One kind of expression, written in both languages; ``grows`` when it goes through all records."""

    name: str
    source: str
    template: str
    grows: bool = False


KINDS = (
    Kind("literal", '"/v1/charges"', "/v1/charges"),
    Kind("concatenation", '"/v1/orders/" + steps.fetch.id', "/v1/orders/{{ steps.fetch.id }}"),
    Kind(
        "condition",
        'steps.fetch.total > 100.0 ? "manual" : "automatic"',
        "{{ 'manual' if steps.fetch.total > 100.0 else 'automatic' }}",
    ),
    Kind(
        "map body",
        '{"amount": steps.fetch.total, "customer": {"id": steps.fetch.customer.id, "name": steps.fetch.customer.name},'
        ' "tags": ["a", params.tag], "reference": "order-" + steps.fetch.id}',
        "{{ {'amount': steps.fetch.total, 'customer': {'id': steps.fetch.customer.id, 'name': steps.fetch.customer.name},"
        " 'tags': ['a', params.tag], 'reference': 'order-' + steps.fetch.id} }}",
    ),
    Kind(
        "filter and map",
        'steps.fetch.lines.filter(l, l.price > 10.0).map(l, {"sku": l.sku, "price": l.price})',
        "{% set r = [] %}{% for l in steps.fetch.lines if l.price > 10.0 %}"
        "{% set _ = r.append({'sku': l.sku, 'price': l.price}) %}{% endfor %}{{ r }}",
    ),
    Kind(
        "filter and map all",
        'steps.fetch.records.filter(l, l.price > 10.0).map(l, {"sku": l.sku, "price": l.price})',
        "{% set r = [] %}{% for l in steps.fetch.records if l.price > 10.0 %}"
        "{% set _ = r.append({'sku': l.sku, 'price': l.price}) %}{% endfor %}{{ r }}",
        grows=True,
    ),
    Kind(
        "string functions",
        'steps.fetch.customer.name.startsWith("Ann") && steps.fetch.customer.name.contains("a") && size(params.tag) > 2',
        "{{ steps.fetch.customer.name.startswith('Ann') and 'a' in steps.fetch.customer.name and params.tag | length > 2 }}",
    ),
    Kind(
        "default",
        'has(steps.fetch.discount) ? steps.fetch.discount : "none"',
        "{{ steps.fetch.discount if steps.fetch.discount is defined else 'none' }}",
    ),
    Kind(
        "date",
        'string(run.logical_date - duration("24h"))',
        "{{ (run.logical_date - timedelta(hours=24)).isoformat() }}",
    ),
    Kind(
        "regular expression",
        'steps.fetch.id.matches("^o-[0-9]+$")',
        "{{ search('^o-[0-9]+$', steps.fetch.id) is not none }}",
    ),
)


def context(size: int) -> dict[str, Any]:
    """Variables of about so many bytes as JSON."""
    fetch: dict[str, Any] = {
        "id": "o-1001",
        "total": 129.5,
        "customer": {"id": "c-7", "name": "Ann Example"},
        "lines": [{"sku": f"s{n}", "price": n * 1.5, "text": "x" * 20} for n in range(20)],
        "records": [],
    }
    record = {"sku": "s000", "price": 12.5, "text": "y" * 100}
    count = max(20, (size - len(json.dumps(fetch))) // len(json.dumps(record)))
    fetch["records"] = [{**record, "sku": f"s{n}"} for n in range(count)] if size > 3_000 else fetch["lines"]
    run = {"logical_date": dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)}
    return {"steps": {"fetch": fetch}, "params": {"tag": "urgent"}, "run": run}


def measured(runs: dict[str, Callable[[], object]], rounds: int = 15, at_least: float = 0.02) -> dict[str, float]:
    """The seconds that one call of each takes: the best of alternating rounds."""
    counts, best = {}, {}
    for name, run in runs.items():
        started = time.perf_counter()
        run()
        counts[name] = max(1, int(at_least / max(time.perf_counter() - started, 1e-7) / 4))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.process_time()
            for _ in range(counts[name]):
                run()
            taken = (time.process_time() - started) / counts[name]
            best[name] = min(taken, best.get(name, taken))
    return best


@dataclass(frozen=True)
class Row:
    """A ratio, and what it may be at most."""

    what: str
    ratio: float
    target: float
    detail: str

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.target


def evaluation() -> Iterator[Row]:
    """Each kind over each context, against Jinja2; over the smallest against cel-python; the largest to the smallest."""
    native = NativeEnvironment()  # nothing of it is shown in a browser
    native.globals.update(search=re.search, timedelta=dt.timedelta)
    interpreter = celpy.Environment()
    contexts = {"2 KB": context(2_000), "100 KB": context(100_000), "5 MB": context(5_000_000)}
    for kind in KINDS:
        ours = cel.compile(kind.source, variables=VARIABLES)
        template = native.from_string(kind.template)
        theirs = interpreter.program(interpreter.compile(kind.source))
        for name, values in contexts.items():
            runs = {
                "ours": lambda values=values, ours=ours: ours.evaluate(values),
                "jinja2": lambda values=values, template=template: template.render(values),
            }
            if name == "2 KB":
                runs["cel-python"] = lambda values=values, theirs=theirs: theirs.evaluate(
                    {key: celpy.json_to_cel(value) for key, value in values.items()}
                )
            best = measured(runs)
            detail = f"{best['ours'] * 1e6:,.1f} µs against {best['jinja2'] * 1e6:,.1f} µs"
            yield Row(f"{kind.name}, {name}: time of Jinja2 native", best["ours"] / best["jinja2"], 1.0, detail)
            if "cel-python" in best:
                detail = f"{best['ours'] * 1e6:,.1f} µs against {best['cel-python'] * 1e6:,.1f} µs"
                yield Row(f"{kind.name}, {name}: time of cel-python", best["ours"] / best["cel-python"], 0.01, detail)
        if not kind.grows:
            # In turns again: the machine may have become slower since.
            taken = measured(
                {name: lambda ours=ours, name=name: ours.evaluate(contexts[name]) for name in ("2 KB", "5 MB")}
            )
            detail = f"{taken['5 MB'] * 1e6:,.1f} µs against {taken['2 KB'] * 1e6:,.1f} µs"
            yield Row(f"{kind.name}: 5 MB against 2 KB", taken["5 MB"] / taken["2 KB"], 1.5, detail)


def compilation() -> Iterator[Row]:
    """Compiling each kind, without what either keeps, against cel-python."""
    interpreter = celpy.Environment()
    names = frozenset(VARIABLES)
    for kind in KINDS:
        best = measured(
            {
                "ours": lambda kind=kind: programs._compiled.__wrapped__(kind.source, names, "", (), True),
                "cel-python": lambda kind=kind: interpreter.program(interpreter.compile(kind.source)),
            }
        )
        detail = f"{best['ours'] * 1e6:,.0f} µs against {best['cel-python'] * 1e6:,.0f} µs"
        yield Row(f"{kind.name}: compiling, time of cel-python", best["ours"] / best["cel-python"], 1.5, detail)


_TIMED = "import time; started = time.process_time()\n{}\nprint(time.process_time() - started)"
_OURS = "from airflow_provider_cloudfn import cel\ncel.evaluate('\"/v1/\" + x.id', {'x': {'id': 'a'}})"
_THEIRS = (
    "import celpy\nenvironment = celpy.Environment()\n"
    "environment.program(environment.compile('\"/v1/\" + x.id')).evaluate({'x': celpy.json_to_cel({'id': 'a'})})"
)
_LITERAL = "from airflow_provider_cloudfn import cel\ncel.evaluate('\"/v1/charges\"', {})"


def cold() -> Iterator[Row]:
    """A fresh process from the import to the first result, against cel-python; both with bytecode, as installed."""
    taken: dict[str, list[float]] = {"ours": [], "literal": [], "cel-python": []}
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        for _ in range(11):
            for name, code in (("ours", _OURS), ("literal", _LITERAL), ("cel-python", _THEIRS)):
                command = [sys.executable, "-c", _TIMED.format(code)]
                run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                taken[name].append(float(run.stdout))
    least = {name: min(times[2:]) for name, times in taken.items()}  # the first ones write bytecode
    for name, target in (("ours", 0.5), ("literal", 0.25)):
        detail = f"{least[name] * 1e3:,.0f} ms against {least['cel-python'] * 1e3:,.0f} ms"
        what = "first expression" if name == "ours" else "first literal"
        yield Row(f"{what} of a process: time of cel-python", least[name] / least["cel-python"], target, detail)


def main() -> int:
    """Print the table; return the exit status."""
    missed = 0
    for section in (evaluation, compilation, cold):
        for row in section():
            mark = " " if row.is_met else "!"
            missed += not row.is_met
            print(f"{mark} {row.what:58} {row.ratio:8.4f} (at most {row.target:g})   {row.detail}", flush=True)
    print(f"{missed} targets missed" if missed else "all targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
