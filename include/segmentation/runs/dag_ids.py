"""Facts that other parts know of the DAGs in `dags/`: their ids, the hour of a night, the pool of its fits,
and the states of a run that is over.
"""

from datetime import time

NIGHT = "customer_segmentation"
MAINTENANCE = "warehouse_maintenance"
AUDIENCES = "audiences"
STARTS = time(2)  # of a scheduled night, in the time zone of the shop
CRON = f"{STARTS:%-M %-H} * * *"
ENDED = ("success", "failed")  # states of a run of a DAG that is over
FIT_POOL = "segmentation_fit"
