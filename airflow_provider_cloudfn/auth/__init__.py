"""What puts credentials on a request, without doing any input or output itself."""

from __future__ import annotations
