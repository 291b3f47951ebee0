"""The request pipeline: what is sent, how, and what is made of the answer."""

from __future__ import annotations
