"""The Dags of the demo. They lie at the top of the repository, and beside this file where a wheel is installed."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_cloudfn.cli import demo

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["copy_examples", "example_dags"]

_FOLDER = "example_dags"


def example_dags() -> Traversable:
    """Return the folder of the example Dags: the one that the wheel brought, or that of the checkout."""
    packed = files(demo) / _FOLDER
    return packed if packed.is_dir() else Path(__file__).parents[3] / _FOLDER


def copy_examples(folder: Path) -> None:
    """
    Copy the example Dags into a folder, where they can be changed.

    :param folder: It is made if it is not there; a file that is there stays as it is.
    :raises OSError: when it can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for example in example_dags().iterdir():
        target = folder / example.name
        if example.name.endswith(".py") and not target.exists():
            target.write_bytes(example.read_bytes())
