"""The options of ``[cloudfn]``, as Airflow's configuration has them."""
