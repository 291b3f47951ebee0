"""Keeps logs away from what a command prints."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["silenced_logs"]


@contextlib.contextmanager
def silenced_logs() -> Iterator[None]:
    """Log nothing for as long as the block lasts: Airflow logs to standard output, where the report goes."""
    import structlog

    before, configured = logging.root.manager.disable, structlog.get_config()
    logging.disable(logging.CRITICAL)
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(**{**configured, "wrapper_class": silent})
    try:
        yield
    finally:
        structlog.configure(**configured)
        logging.disable(before)
