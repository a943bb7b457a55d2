"""Facts that other parts know of the DAGs in `dags/`: their ids, the hour of a night, the pool of its fits."""

from datetime import time

NIGHT = "customer_segmentation"
MAINTENANCE = "warehouse_maintenance"
AUDIENCES = "audiences"
STARTS = time(2)  # of a scheduled night, in the time zone of the shop
CRON = f"{STARTS:%-M %-H} * * *"
FIT_POOL = "segmentation_fit"
