"""
Runs the tests on each Airflow and Python that is supported: ``make matrix``, or ``python tests/matrix.py --help``.

Each has an environment of its own in ``.cache/matrix``, which is kept. What can't be installed here (a Python that is not
there, a pre-release that the package index does not have) is left out, and said.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".cache" / "matrix"
CONSTRAINTS_3_2 = ROOT / "tests" / "constraints-3.2.txt"

#: What differs from one Airflow to the next: what is imported of it, its command line, and the whole of it running.
SELECTED = [
    "tests/contract",
    "tests/conformance",
    "tests/integration/cli",
    "tests/unit/cli",
    "tests/integration/test_policy_faults.py",
    "tests/system",
]


@dataclass(frozen=True)
class Surroundings:
    """
    What the tests run on.

    :param python: The Python's version.
    :param airflow: What is asked for of Airflow, as a requirement.
    :param lowest: Whether each dependency that we name is the oldest that we allow, and the rest as of the day of Airflow 3.2.2.
    :param constraints: A file with the versions of everything.
    """

    python: str
    airflow: tuple[str, ...] = ("apache-airflow<3.4",)
    lowest: bool = False
    constraints: Path | None = None


# uv takes a pre-release only of what is named with one.
NEXT = ("apache-airflow>=3.4.0b2", "apache-airflow-core>=3.4.0b2", "apache-airflow-task-sdk>=1.4.0b2")

MATRIX = {
    "3.2": Surroundings("3.11", ("apache-airflow==3.2.2",), constraints=CONSTRAINTS_3_2),
    "lowest": Surroundings("3.11", (), lowest=True),
    "3.3": Surroundings("3.11"),
    "3.3-python3.12": Surroundings("3.12"),
    "3.3-python3.13": Surroundings("3.13"),
    "3.3-python3.14": Surroundings("3.14"),
    "3.4": Surroundings("3.11", NEXT),
    "3.4-python3.13": Surroundings("3.13", NEXT),
    "3.4-python3.14": Surroundings("3.14", NEXT),
}


class NotHereError(Exception):
    """Something can't be installed."""


def uv(*arguments: str | Path) -> str:
    """Run uv, which ``make`` has put into this interpreter's environment."""
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise NotHereError(ended.stderr.strip())
    return ended.stdout


def environment(name: str, surroundings: Surroundings, wheel: Path) -> Path:
    """Return the Python of an environment with everything that the tests need and the wheel as it is now."""
    folder = KEPT / name
    python = folder / "bin" / "python"
    project = (ROOT / "pyproject.toml").read_text()
    asked = f"{surroundings} {project} {surroundings.constraints and surroundings.constraints.read_text()}"
    stamp, made = folder / "made-of", hashlib.sha256(asked.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != made:
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--python", surroundings.python, folder)
        if surroundings.lowest:
            asked_for = folder / "lowest.txt"
            asked_for.write_text("\n".join(lowest(python, tomllib.loads(project)["project"])))
            uv("pip", "install", "--python", python, "-r", asked_for, *of_their_time())
        else:
            constrained = ["--constraint", surroundings.constraints] if surroundings.constraints else []
            uv("pip", "install", "--python", python, f"{wheel}[test]", *surroundings.airflow, *constrained)
        stamp.write_text(made)
    uv("pip", "install", "--python", python, "--no-deps", "--reinstall", wheel)
    return python


def of_their_time() -> list[str]:
    """Return the day up to which versions are taken, out of the command that made the constraints."""
    found = re.search(r"--exclude-newer \S+", CONSTRAINTS_3_2.read_text())
    assert found is not None
    return found[0].split()


def lowest(python: Path, project: dict) -> list[str]:
    """Return what the package and its extra for Redis need, each as old as it may be, and what the tests need besides."""
    extras = project["optional-dependencies"]
    own = {requirement_name(requirement) for requirement in (*project["dependencies"], *extras["redis"])}
    compiled = uv("pip", "compile", "--python", python, "--resolution", "lowest-direct", "--no-annotate", *of_their_time(),
                  "--extra", "redis", "pyproject.toml").splitlines()  # fmt: skip
    return [line for line in compiled if requirement_name(line) in own] + [
        requirement for requirement in extras["test"] if requirement_name(requirement) not in own
    ]


def requirement_name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def run(name: str, surroundings: Surroundings, wheel: Path, options: argparse.Namespace) -> str:
    """Run the tests there and return how that ended, in a line."""
    print(f"== {name}", flush=True)
    try:
        python = environment(name, surroundings, wheel)
    except NotHereError as error:
        print(error, file=sys.stderr)
        return "left out: it can't be installed here"
    version = "import sys; from importlib.metadata import version as v; print(f\"Airflow {v('apache-airflow-core')}, Python {sys.version.split()[0]}\")"
    what = subprocess.run([python, "-c", version], capture_output=True, text=True, check=True).stdout.strip()
    tests = SELECTED if options.part == "selected" else []
    try:
        environ = {**os.environ, "PYTHONSAFEPATH": "1", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        ended = subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *options.pytest],
            cwd=ROOT,
            env=environ,
            timeout=options.minutes * 60 if options.minutes else None,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{what}: FAILED, not done after {options.minutes:g} minutes"
    return f"{what}: {'passed' if ended.returncode == 0 else 'FAILED'}"


def main() -> int:
    """Run what is asked for, and tell at the end how each ended."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(MATRIX)}")
    parser.add_argument("--part", choices=["whole", "selected"], default="whole", help="default: the whole suite")
    parser.add_argument("--minutes", type=float, help="how long each may take")
    parser.add_argument("--pytest", nargs=argparse.REMAINDER, default=[], help="the rest goes to pytest")
    options = parser.parse_args()
    if unknown := set(options.names) - set(MATRIX):
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(MATRIX)}")
    (wheel,) = (ROOT / ".venv" / "wheel").glob("*.whl")
    outcomes = {name: run(name, MATRIX[name], wheel, options) for name in options.names or MATRIX}
    print("\n== The matrix")
    for name, outcome in outcomes.items():
        print(f"{name:16}{outcome}")
    return int(any("FAILED" in outcome for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
