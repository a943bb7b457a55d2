"""The locks, each named once."""

DAYS_LOCK = "segmentation days"
PUBLICATION = "segmentation publication"
ALERTS = "segmentation alerts"
CUSTOMER_NUMBERS = "segmentation customer numbers"
