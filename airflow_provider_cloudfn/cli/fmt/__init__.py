"""What ``airflow cloudfn fmt`` is made of: where a Dag file has expressions, and how they are written anew."""
