"""The modelling core: features to segments, as functions of their arguments (no Airflow, no database)."""
