"""A folder for an Airflow's database: on a disk SQLite waits for that at each commit, while nobody else may write."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def new_folder() -> Path:
    """Return a new folder in memory, or on the disk where there is no room; it is removed when this process ends."""
    shared = Path("/dev/shm")
    has_room = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2**30
    made = Path(tempfile.mkdtemp(prefix="cloudfn-tests-", dir=shared if has_room else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
