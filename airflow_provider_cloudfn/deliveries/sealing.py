"""What an event carries, as it stands in the table: under Airflow's Fernet key, as Airflow keeps connections."""

from __future__ import annotations

from typing import Any

from airflow_provider_cloudfn.events.record import CompletionRecord
from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.json_encoding import encode_json, read_json

__all__ = ["seal", "unseal"]


def seal(record: CompletionRecord) -> str:
    """Return a record as the table keeps it. Without a Fernet key it is plain JSON, as Airflow's connections are then."""
    return str(_fernet().encrypt(encode_json(record.to_dict()).encode()).decode())


def unseal(sealed: str) -> CompletionRecord:
    """
    Return a record that the table has kept.

    :param sealed: What :func:`seal` has returned.
    :raises ConfigurationError: when Airflow's key is another one by now.
    """
    from cryptography.fernet import InvalidToken

    try:
        text = _fernet().decrypt(sealed.encode())
    except InvalidToken:
        raise ConfigurationError(
            "what the delivery carries can't be read: [core] fernet_key is not the one that it was kept with; put that one "
            "behind the new one, with a comma between them"
        ) from None
    return CompletionRecord.from_dict(read_json(text.decode()))


def _fernet() -> Any:
    from airflow.models.crypto import get_fernet

    return get_fernet()
