"""Finds ports that are free."""

from __future__ import annotations

import random
import socket

from airflow_provider_cloudfn.exceptions import ConfigurationError

__all__ = ["free_ports"]

# Below the range from which systems take ports for outgoing connections: one of those could be faster than the server.
_RANGE = range(20_000, 32_000)


def free_ports(count: int, *, first: int | None = None) -> list[int]:
    """
    Return different ports that nobody listens on, on any address of this machine.

    Each is drawn at random, so that two who ask at the same time hardly ever get the same one.

    :param first: What the first one shall be; None draws it too.
    :raises ConfigurationError: when there are not as many, or the first one is taken.
    """
    if first is not None and not _is_free(first):
        raise ConfigurationError(f"--port {first} is taken, or not yours to listen on: name another one, or none")
    found: list[int] = [] if first is None else [first]
    for port in random.sample(_RANGE, len(_RANGE)):
        if port != first and _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise ConfigurationError(f"No {count} free ports from {_RANGE.start} to {_RANGE.stop - 1}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("", port))
        except OSError:
            return False
    return True
