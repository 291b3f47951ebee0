"""Airflow connections, each parsed once into a frozen, validated settings object, and their forms as data."""

from __future__ import annotations
