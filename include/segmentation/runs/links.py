"""Addresses of the pages of a run for a person: on the UI of Airflow if there is one, else in the artifacts.

A link in the warehouse or in a page is relative to the store, so that pages open offline and an address
that changes breaks none; it becomes a URL where it is told. `segmentation.ui` serves the pages.
"""

import os

from segmentation import settings

PREFIX = "/segmentation"  # of the pages, under the address of the UI


def base_url() -> str:
    """The address of the Airflow UI without a slash at the end; empty where there is none (`make run`)."""
    address = settings.load().alerts.base_url or os.environ.get("AIRFLOW__API__BASE_URL", "")
    return address.rstrip("/")


def url(link: str) -> str:
    """The URL of a page; empty where no UI is."""
    base = base_url()
    return f"{base}{PREFIX}/{link}" if base else ""


def place(link: str) -> str:
    """Address of a page, in words."""
    return url(link) or f"{link} among the run's artifacts"
