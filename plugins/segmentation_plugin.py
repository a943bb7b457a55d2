"""What this project adds to the UI of Airflow; the logic is in `segmentation.ui`.

Every process of Airflow executes this file, so it imports next to nothing.
"""

from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from segmentation import links
from segmentation.ui import INDEX, Pages


class SegmentationPlugin(AirflowPlugin):
    """Data Docs and reports, behind the authentication of Airflow."""

    name = "segmentation"
    fastapi_apps: ClassVar = [{"app": Pages(), "url_prefix": links.PREFIX, "name": "segmentation"}]
    external_views: ClassVar = [
        {
            "name": "Data quality",
            "href": f"{links.PREFIX}/{INDEX}",
            "destination": "nav",
            "category": "browse",
        }
    ]
