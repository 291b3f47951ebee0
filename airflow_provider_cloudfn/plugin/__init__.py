"""The API server's part of the package: what is mounted there, and the tables that it needs."""
