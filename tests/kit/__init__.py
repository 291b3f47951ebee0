"""What tests of every folder share: a server on loopback, and a way to run a Dag. pytest's `pythonpath` makes it importable."""

from __future__ import annotations
