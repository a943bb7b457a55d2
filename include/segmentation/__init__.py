"""The Python of the project: plain functions; Airflow only where a module says so."""
