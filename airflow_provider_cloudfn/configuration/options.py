"""How an option of ``[cloudfn]`` is read, and in which words a wrong value is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SECTION", "choice", "flag", "seconds", "text", "whole_number"]

SECTION: Final = "cloudfn"


def text(option: str, default: str = "") -> str:
    """
    Return an option's text, without white space around it.

    :param option: The option's name.
    :param default: What it is where nothing is set.
    """
    return str(_configuration().get(SECTION, option, fallback=default) or "").strip()


def flag(option: str) -> bool:
    """
    Return whether an option is on; where nothing is set, it is off.

    :param option: The option's name.
    :raises ConfigurationError: for what is neither True nor False.
    """
    from airflow.sdk.exceptions import AirflowConfigException

    try:
        return bool(_configuration().getboolean(SECTION, option, fallback=False))
    except AirflowConfigException:
        raise _refused(option, "must be True or False") from None


def choice(option: str, choices: Sequence[str]) -> str:
    """
    Return which of some words an option is.

    :param option: The option's name.
    :param choices: The words; the first is the one where nothing is set.
    :raises ConfigurationError: for another word.
    """
    chosen = text(option, choices[0]).lower()
    if chosen not in choices:
        raise _refused(option, f"must be one of {', '.join(choices)}")
    return chosen


def whole_number(option: str, default: int, *, wanted: str, most: int | None = None) -> int:
    """
    Return an option's number from 0 on.

    :param option: The option's name.
    :param default: What it is where nothing is set.
    :param wanted: What it must be, in the words of the error.
    :param most: The largest number.
    :raises ConfigurationError: for anything else.
    """
    return int(_number(option, default, "getint", wanted, most))


def seconds(option: str, default: float, *, most: float) -> float:
    """
    Return an option's seconds from 0 on.

    :param option: The option's name.
    :param default: What they are where nothing is set.
    :param most: The most seconds.
    :raises ConfigurationError: for anything else.
    """
    return float(_number(option, default, "getfloat", f"must be seconds from 0 to {most:,.0f}", most))


def _number(option: str, default: float, reader: str, wanted: str, most: float | None) -> float:
    from airflow.sdk.exceptions import AirflowConfigException

    try:
        found: float = getattr(_configuration(), reader)(SECTION, option, fallback=default)
    except (AirflowConfigException, ValueError):
        raise _refused(option, wanted) from None
    # Not a number is neither.
    if not 0 <= found <= (found if most is None else most):
        raise _refused(option, wanted)
    return found


def _refused(option: str, wanted: str) -> ConfigurationError:
    given = _configuration().get(SECTION, option, fallback="")
    return ConfigurationError(f"[{SECTION}] {option}: {wanted}, not {given!r}")


def _configuration() -> Any:
    from airflow.sdk import conf

    return conf
