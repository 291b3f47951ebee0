"""Samples: the values that expressions read where no run has left any."""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_cloudfn.events.record import is_record
from airflow_provider_cloudfn.exceptions import ConfigurationError, in_words, nearest_name

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ABSENT", "SECTIONS", "Samples", "read_structured_file", "suggestion"]

#: Stands for no sample, because None is one.
ABSENT: Final = object()

#: What a sample can hold.
SECTIONS = ("steps", "params", "conf", "context", "inputs", "events", "run")

#: What of ``run`` a sample can say; the rest follows from the task.
RUN_KEYS = ("id", "try_number", "run_after", "logical_date", "data_interval_start", "data_interval_end")


@dataclass(frozen=True, slots=True)
class Samples:
    """
    Values for what expressions read.

    :param steps: What each upstream step returned, by its id; a list for a mapped one.
    :param params: Dag params, over the Dag's own.
    :param conf: The run's conf.
    :param context: Payloads of completion events by name.
    :param inputs: The task's own inputs, as they arrive; otherwise they are rendered.
    :param events: The records of the asset events that started the run, oldest first.
    :param run: What a sample says of the run; see :data:`RUN_KEYS`.
    :param records: The completion records that upstream steps left, by their id; a list for a mapped one.
    """

    steps: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    conf: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    inputs: Any = ABSENT
    events: Sequence[Mapping[str, Any]] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, *, where: str = "the sample") -> Samples:
        """
        Read samples as a file or a test gives them.

        :param value: A map with any of :data:`SECTIONS`; one that is None is left out.
        :param where: What error messages call it.
        :raises ConfigurationError: for another shape; the message names the key and the remedy.
        """
        if not isinstance(value, Mapping):
            kind = type(value).__name__
            raise ConfigurationError(f"{where}: must be a map with any of {', '.join(SECTIONS)}, not {kind}")
        for name in value:
            if name not in SECTIONS:
                nearest = suggestion(name, SECTIONS)
                raise ConfigurationError(f"{where}: {name!r} is none of {', '.join(SECTIONS)}{nearest}")
        given = {name: section for name, section in value.items() if section is not None or name == "inputs"}
        for name in ("steps", "params", "conf", "context", "run"):
            section = given.get(name, {})
            if not isinstance(section, Mapping):
                raise ConfigurationError(f"{where}: {name} must be a map, not {in_words(section)}")
        for name in given.get("run", {}):
            if name not in RUN_KEYS:
                raise ConfigurationError(
                    f"{where}: run.{name} can't be given; only {', '.join(RUN_KEYS)} can{suggestion(name, RUN_KEYS)}"
                )
        if "id" in (run := given.get("run", {})) and not isinstance(run["id"], str):
            raise ConfigurationError(f"{where}: run.id must be text, not {in_words(run['id'])}")
        if "try_number" in run and (type(run["try_number"]) is not int or run["try_number"] < 1):
            raise ConfigurationError(
                f"{where}: run.try_number must be a whole number from 1, not {run['try_number']!r}"
            )
        events = given.get("events", ())
        if not isinstance(events, Sequence) or isinstance(events, str) or not all(is_record(event) for event in events):
            raise ConfigurationError(
                f'{where}: events must be a list of completion records: {{"metadata": {{"type": "<event>"}}, "result": …}}'
            )
        return cls(**given)

    def over(self, other: Samples) -> Samples:
        """Return these samples, and what only the other ones have."""
        return replace(
            other,
            steps=ChainMap(dict(self.steps), other.steps),  # type: ignore[arg-type]  # only the first one is written to
            params={**other.params, **self.params},
            conf={**other.conf, **self.conf},
            context={**other.context, **self.context},
            inputs=other.inputs if self.inputs is ABSENT else self.inputs,
            events=self.events or other.events,
            run={**other.run, **self.run},
        )


def read_structured_file(file: Path, option: str) -> Any:
    """
    Read a JSON or YAML file.

    :param file: Its path; the name's ending does not matter, since JSON is YAML.
    :param option: The option that named it, for messages.
    :returns: What stands in it, as plain Python values.
    :raises ConfigurationError: when it can't be read or parsed; the message gives line and column.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{option}: can't read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{option}: {file} is not UTF-8; save it as such") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{option}: {file} is neither JSON nor YAML{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        # Among these: a date that is in no calendar, and what is nested without end.
        raise ConfigurationError(f"{option}: {file} is neither JSON nor YAML") from None


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return the end of a sentence about a name that nobody knows: the nearest that somebody does, or nothing."""
    found = nearest_name(str(name), known)
    return f"; did you mean {found!r}?" if found else ""
