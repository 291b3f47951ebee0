"""What ``import-curl`` prints sends what curl sends: both are run against a server on loopback that keeps what came."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cloudfn.cli.curl import read_curl
from airflow_provider_cloudfn.cli.import_curl_command import connection_of, operator_of
from airflow_provider_cloudfn.testing import run
from airflow_provider_cloudfn.testing.connections import hook_over
from airflow_provider_cloudfn.testing.sample_context import task_with_samples
from airflow_provider_cloudfn.testing.samples import Samples

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

#: What each client says of itself, and of the connection.
_THEIR_OWN = {"host", "user-agent", "accept", "accept-encoding", "content-length", "connection"}
