"""One hook for each connection type: from a connection to its settings to a client."""

from __future__ import annotations
