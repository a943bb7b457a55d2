"""The bodies of the tasks, their operators, callbacks and assets. This room knows Airflow."""
