"""The command line, as Airflow builds it from the provider info."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_parser import get_parser

from airflow_provider_cloudfn.cli.definition import get_cloudfn_commands
from airflow_provider_cloudfn.provider_info import get_provider_info

if TYPE_CHECKING:
    import argparse


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return get_parser()


def test_the_provider_info_names_the_commands() -> None:
    assert get_provider_info()["cli"] == [f"{get_cloudfn_commands.__module__}.{get_cloudfn_commands.__name__}"]


def test_airflow_knows_the_command_and_its_defaults(parser: argparse.ArgumentParser) -> None:
    options = parser.parse_args(["cloudfn", "sandbox"])
    assert (options.port, options.token_seconds, options.connections) == (8765, 300, None)
    assert callable(options.func)


def test_airflow_parses_its_arguments(parser: argparse.ArgumentParser) -> None:
    options = parser.parse_args(
        ["cloudfn", "sandbox", "--port", "0", "--token-seconds", "7", "--connections", "f.json"]
    )
    assert (options.port, options.token_seconds, options.connections) == (0, 7, "f.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "65536"], "'65536' is no port: give a number from 0"),
        (["--port", "-1"], "'-1' is no port"),
        (["--port", "http"], "'http' is no port"),
        (["--token-seconds", "0"], "'0' is no lifetime: give whole seconds"),
        (["--token-seconds", "1.5"], "'1.5' is no lifetime"),
    ],
)
def test_a_wrong_argument_is_refused_with_the_remedy(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["cloudfn", "sandbox", *arguments])
    assert said in capsys.readouterr().err
