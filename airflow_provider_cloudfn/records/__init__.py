"""Call records: what a step has sent, what came back, and where the time went, for whoever looks at a run afterwards."""
