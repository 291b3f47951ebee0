"""
Imports what a call needs, for a process that forks one for each task: ``import airflow_provider_cloudfn.operators.preload``.

Airflow forks the process of a task from its worker (Celery), or from the scheduler's (LocalExecutor). What these have imported
is there in the task, and is paid for once. The line belongs in ``airflow_local_settings.py``, which all of them read. Nothing
here starts a thread, opens a file, or reads a connection; and what can't be imported is told, and left to the task, for an
error in that file would keep Airflow from starting.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Final

__all__ = ["MODULES"]

_log = logging.getLogger(__name__)

#: Each brings with it what it needs itself; those of other packages are imported by ours when a call is made.
MODULES: Final = (
    "airflow_provider_cloudfn.operators.batch",
    "airflow_provider_cloudfn.operators.cloudfn",
    "airflow_provider_cloudfn.operators.emporix",
    "airflow_provider_cloudfn.operators.once",
    "airflow_provider_cloudfn.operators.pages",
    "airflow_provider_cloudfn.sensors.cloudfn",
    "airflow_provider_cloudfn.sensors.http",
    "airflow_provider_cloudfn.cel.compiler",
    "airflow_provider_cloudfn.cel.functions",
    "airflow_provider_cloudfn.cel.parser",
    "airflow_provider_cloudfn.connections.address_guard",
    "airflow_provider_cloudfn.hooks.cloudfn",
    "airflow_provider_cloudfn.hooks.emporix",
    "airflow_provider_cloudfn.hooks.amazon_connect",
    "airflow_provider_cloudfn.hooks.observation",
    "airflow_provider_cloudfn.hooks.registry",
    "airflow_provider_cloudfn.hooks.rate_sharing",
    "airflow_provider_cloudfn.hooks.token_sharing",
    "airflow_provider_cloudfn.client.client",
    "airflow_provider_cloudfn.client.connector",
    "airflow_provider_cloudfn.client.resolver",
    "airflow_provider_cloudfn.client.turns_shared",
    "airflow_provider_cloudfn.client.wire",
    "airflow_provider_cloudfn.records.recorder",
    "airflow_provider_cloudfn.records.room",
    "airflow_provider_cloudfn.auth.api_key",
    "airflow_provider_cloudfn.auth.basic",
    "airflow_provider_cloudfn.auth.bearer",
    "airflow_provider_cloudfn.auth.hmac_signature",
    "airflow_provider_cloudfn.auth.oauth2",
    "airflow_provider_cloudfn.auth.token_file",
    "aiohttp",
    "aiohttp.resolver",
    "authlib.common.urls",
    "authlib.oauth2.client",
    "authlib.oauth2.rfc6749.parameters",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.kdf.hkdf",
)

for _name in MODULES:
    try:
        import_module(_name)
    except Exception:
        _log.warning("%s can't be imported ahead; each task tries it again", _name, exc_info=True)
