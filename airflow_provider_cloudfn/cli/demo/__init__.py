"""``make demo``: a sandbox, an Airflow of its own, order to cash, and what can be seen of it from outside."""
