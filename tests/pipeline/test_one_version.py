"""Airflow's API for tasks in one version."""

from airflow.api_fastapi.execution_api import versions
from airflow.api_fastapi.execution_api.app import create_task_execution_api_app
from airflow.sdk.api.datamodels._generated import API_VERSION

from segmentation.pipeline import one_version


def test_its_tasks_ask_the_one_version_of_the_api_that_is_made():
    usual = versions.bundle
    with one_version.newest():
        assert [version.value for version in versions.bundle.versions] == [API_VERSION]
        app = create_task_execution_api_app()
        app._cadwyn_initialize()  # refuses routes that no version has
    assert versions.bundle is usual
    paths = {route.path for route in app.router.versioned_routers[API_VERSION].routes}
    assert {"/task-instances/{task_instance_id}/run", "/task-instances/{task_instance_id}/state"} <= paths
