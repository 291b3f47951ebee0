"""The pages that show functions, calls and events in Airflow's UI: HTML made on the server, in need of no other host."""
