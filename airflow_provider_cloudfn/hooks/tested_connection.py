"""What a connection test says."""

from __future__ import annotations

__all__ = ["said_of"]


def said_of(error: Exception, conn_id: str) -> str:
    """
    Return what a test says of what is wrong with its connection, without the connection's id.

    Airflow's UI tests a connection under an id that it makes up, which nobody has seen before.

    :param error: What is wrong.
    :param conn_id: The connection.
    """
    named = f"connection {conn_id!r}"
    text = str(error)
    return f"The connection{text.removeprefix(named)}" if text.startswith(named) else text
