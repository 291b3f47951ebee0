"""What arrives at run time is data in every template field of everything that we ship."""

from __future__ import annotations

import inspect

import pytest
from kit.package_modules import modules

from airflow_provider_cloudfn.authoring.rendering import TemplatedTask

# Only these hold classes that Airflow renders: to import the rest would start a command, or want what is not installed.
PARTS = ("operators", "sensors", "triggers", "hooks", "authoring", "events")


def templated() -> list[type]:
    """Return every class of the package that has template fields of its own, or inherits some."""
    found: set[type] = set()
    for module in modules(*PARTS):
        found |= {
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if kind.__module__ == module.__name__ and getattr(kind, "template_fields", ())
        }
    return sorted(found, key=lambda kind: kind.__name__)


def test_the_walk_finds_what_we_ship() -> None:
    names = {kind.__name__ for kind in templated()}

    assert {"CloudFunctionOperator", "EmporixStartOperator", "CloudFunctionHttpSensor"} <= names


@pytest.mark.parametrize("kind", templated())
def test_a_class_with_template_fields_keeps_run_time_data_from_jinja(kind: type) -> None:
    assert issubclass(kind, TemplatedTask)
    renders = next(one for one in kind.__mro__ if "_do_render_template_fields" in vars(one))
    assert issubclass(renders, TemplatedTask)
