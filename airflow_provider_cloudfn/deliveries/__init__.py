"""What came in from outside and what became of it: its table, and the one transaction that makes a delivery an asset event."""
