"""A range of dates, in order, by Airflow's scheduler."""
