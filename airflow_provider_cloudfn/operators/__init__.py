"""The steps that a Dag author writes."""

from __future__ import annotations
