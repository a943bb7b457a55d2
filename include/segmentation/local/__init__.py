"""Parts that `make` runs on one machine: the embedded Postgres, the local Airflow, the commands."""
