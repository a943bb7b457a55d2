"""Additions of this project to the UI of Airflow; the logic is in `segmentation.ui`.

Every process of Airflow executes this file, so it imports next to nothing.
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from segmentation.pipeline import listening
from segmentation.runs import links
from segmentation.ui import HOME, Pages


class SegmentationPlugin(AirflowPlugin):
    """The segments, Data Docs and reports, behind the authentication of Airflow."""

    name = "segmentation"  # lists are class variables there, though it declares them as any other
    fastapi_apps: list[Any] = [{"app": Pages(), "url_prefix": links.PREFIX, "name": "segmentation"}]  # noqa: RUF012
    listeners: list[Any] = [listening]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": "Segments",
            "href": f"{links.PREFIX}/{HOME}",
            "destination": "nav",
            "url_route": "segments",
            "category": "browse",
        },
        {
            "name": "Data quality",
            "href": f"{links.PREFIX}/data_docs/index.html",
            "destination": "nav",
            "category": "browse",
        },
    ]
