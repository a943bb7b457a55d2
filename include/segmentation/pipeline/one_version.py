"""Airflow's API for tasks in one version: `python -m segmentation.pipeline.one_version api-server`.

Airflow answers tasks of nine versions of itself, and routes and models of them take four seconds of a processor to
make. On one machine every task is of the version that is installed, which asks for the newest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from segmentation.pipeline import lifeline


@contextmanager
def newest() -> Iterator[None]:
    """The API for tasks, where it is made meanwhile, in its newest version alone."""
    from airflow.api_fastapi.execution_api import versions
    from airflow.api_fastapi.execution_api.routes import execution_api_router as router
    from cadwyn import HeadVersion, Version, VersionBundle
    from cadwyn.route_generation import _DELETED_ROUTE_TAG as OF_OLDER_ONLY

    bundle = VersionBundle(HeadVersion(), Version(versions.bundle.versions[0].value))
    routes = [route for route in router.routes if OF_OLDER_ONLY not in getattr(route, "tags", [])]
    with patch.object(versions, "bundle", bundle), patch.object(router, "routes", routes):
        yield


def main() -> None:
    """Run a part of Airflow that makes the API, by the words of its command line."""
    lifeline.hold()
    with newest():
        lifeline.airflow()


if __name__ == "__main__":
    main()
