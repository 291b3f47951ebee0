"""The ``airflow cloudfn`` commands, and the demo."""
