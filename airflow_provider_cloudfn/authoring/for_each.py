"""``for_each=``: what the items of a batch are, and how many calls there are at a time."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct

from airflow_provider_cloudfn.client.batch import concurrency_problem
from airflow_provider_cloudfn.client.rate_limit import Rate
from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["ForEach", "as_for_each", "items_problem"]


class ForEach(Struct, frozen=True, repr_omit_defaults=True):
    """
    Make the call for each item of a list, in one task.

    ``uri``, ``query``, ``headers``, ``body``, ``files``, ``returns``, ``success_when`` and ``retry_when`` are evaluated for
    each ``item`` and its ``index``; ``run.idempotency_key`` is the item's own. The step returns the list of results in the
    order of the items.

    :param items: CEL that gives a list or a map, an XComArg, or a list.
    :param concurrency: How many calls there are at a time, from 1 to 1,000.
    :param rate: How many begin at most, such as ``"50/s"`` or ``"6000/min"``; None as the connection says.
    :param on_error: ``fail``: nothing more begins after the first failure, and the task fails when those under way are done.
        ``continue``: all are made, and XCom ``failures`` says which have failed, the first 1,000 of them.
    :param max_failures: How many failures there may be with ``continue``, as a number, or a share such as ``0.05``.
    :param key: CEL over ``item`` and ``index`` that names an item in errors, in ``failures`` and in keys. Default: its
        position and a digest of it.
    :param results: Where the results go as JSON Lines, instead of into XCom: a path of an object storage; Jinja and ``cel(…)``
        work.
    :param path: CEL that gives the path of a file of JSON Lines, which is read as a stream; made by :meth:`lines`.
    :raises ConfigurationError: for numbers that make no sense.
    """

    items: Any = UNSET
    concurrency: int = 16
    rate: str | Rate | None = None
    on_error: Literal["fail", "continue"] = "fail"
    max_failures: float | None = None
    key: Any = None
    results: Any = None
    path: Any = UNSET

    @classmethod
    def lines(cls, path: Any, **settings: Any) -> ForEach:
        """
        Take the items from a file of JSON Lines in any object storage, one at a time.

        :param path: CEL that gives the path: ``steps.list_orders.path``.
        :param settings: As of :class:`ForEach`.
        """
        return cls(path=path, **settings)

    def __post_init__(self) -> None:
        if (problem := concurrency_problem(self.concurrency)) is not None:
            raise ConfigurationError(f"for_each: {problem}")
        if self.on_error not in ("fail", "continue"):
            raise ConfigurationError(f"for_each: on_error must be 'fail' or 'continue', not {self.on_error!r}")
        failures = self.max_failures
        if failures is not None:
            if self.on_error == "fail":
                raise ConfigurationError("for_each: max_failures has a meaning with on_error='continue' only")
            if type(failures) not in (int, float) or not failures >= 0:
                raise ConfigurationError(f"for_each: max_failures must be a number or a share, not {failures!r}")
            if type(failures) is float and failures > 1:
                raise ConfigurationError(
                    f"for_each: max_failures is a share where it has a point, so from 0.0 to 1.0, not {failures!r}"
                )
        if self.rate is not None and not isinstance(self.rate, Rate):
            try:
                Rate.parse(self.rate)
            except ConfigurationError as error:
                raise error.reworded(f"for_each: rate: {error.message}") from None
        if (self.items is UNSET) == (self.path is UNSET):
            raise ConfigurationError(
                'for_each: say what the items are: ForEach("steps.list_orders"), or ForEach.lines(…)'
            )


def as_for_each(given: Any) -> ForEach:
    """Return what is given as ``for_each``, which may be the items alone, with all its settings."""
    return given if isinstance(given, ForEach) else ForEach(given)


def items_problem(value: Any) -> str | None:
    """Say what is wrong with ``for_each``, besides its expressions."""
    items = value.items if isinstance(value, ForEach) else value
    if isinstance(items, (bool, int, float, bytes)) or (items is None and value is not None):
        return f"must be CEL that gives a list or a map, an XComArg, or a list, not {items!r}"[:200]
    if isinstance(items, (set, frozenset)):
        return "a set has no order, and the next try must find each item at its place: write sorted(…) around it"
    return None
