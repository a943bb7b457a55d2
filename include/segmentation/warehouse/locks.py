"""The locks, each named once."""

DAYS_LOCK = "segmentation days"
PUBLICATION = "segmentation publication"
CUSTOMER_NUMBERS = "segmentation customer numbers"
