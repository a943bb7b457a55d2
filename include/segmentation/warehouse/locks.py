"""The advisory locks, each named once."""

DAYS_LOCK = "segmentation days"
