"""Assets (this module knows Airflow): what downstream DAGs are scheduled on."""

from airflow.sdk import Asset

CUSTOMER_SEGMENTS = Asset(
    name="customer_segments",
    uri="warehouse://segments/current_customer_segments",
    extra={"grain": "one row a customer, of the newest published date"},
)
