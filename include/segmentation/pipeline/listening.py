"""Listeners of the scheduler (this module knows Airflow), each for what Airflow does with a run of ours.

A run whose logical date is still to come ends at once: Airflow begins none of its tasks before that date, so that
`start` cannot refuse it; and as the one run of a DAG that may be active it would keep every night waiting until
`dagrun_timeout`.

An answer about a held night is kept: whoever answers within moments of the question has the task queued, or running,
again before the executor has told of its first process, and the scheduler takes that for the end of the second one. It
tries the task again, which asked again, and the night waited for somebody who had answered. So it does where the
process that carries the answer out is killed.
"""

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from airflow.listeners import hookimpl

from segmentation.runs import dag_ids

IN_THE_FUTURE = "in_the_future"  # the reason that the callback of the DAG is given
FIRST_TASK = "start"  # which the callback is told of; of the other DAGs it is any
OURS = (dag_ids.NIGHT, dag_ids.MAINTENANCE, dag_ids.AUDIENCES)
QUESTION = "approve"  # the task that asks about a held night


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:
    """Fail a run of ours that would wait for its logical date, and have the callback of its DAG tell."""
    if dag_run.dag_id in OURS and dag_run.logical_date and dag_run.logical_date > datetime.now(UTC):
        _fail(dag_run)


def _fail(dag_run: Any) -> None:
    from airflow.callbacks.database_callback_sink import DatabaseCallbackSink
    from airflow.utils.state import DagRunState, TaskInstanceState
    from sqlalchemy.orm import object_session

    session: Any = object_session(dag_run)  # the scheduler's, which commits
    dag_run.set_state(DagRunState.FAILED)
    tasks = dag_run.get_task_instances(session=session)
    for task in tasks:
        task.state = TaskInstanceState.SKIPPED
    first = min(tasks, key=lambda task: task.task_id != FIRST_TASK, default=None)
    callback = dag_run.produce_dag_callback(
        dag=dag_run.dag, success=False, relevant_ti=first, reason=IN_THE_FUTURE
    )
    DatabaseCallbackSink().send(callback, session=session)


@hookimpl
def on_task_instance_failed(task_instance: Any) -> None:
    """Give an answer that came while the try lasted to the next try of the task that had asked."""
    is_of_the_scheduler = hasattr(task_instance, "_sa_instance_state")  # a task's own has no database
    if (task_instance.dag_id, task_instance.task_id) == (dag_ids.NIGHT, QUESTION) and is_of_the_scheduler:
        _keep_the_answer(task_instance)


def _keep_the_answer(task_instance: Any) -> None:
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select
    from sqlalchemy.orm import object_session

    # the next try of a task that was running has another id, which is not in the database yet
    of_the_task = {
        name: getattr(task_instance, name) for name in ("dag_id", "task_id", "run_id", "map_index")
    }
    query = (
        select(HITLDetail).join(TaskInstance, TaskInstance.id == HITLDetail.ti_id).filter_by(**of_the_task)
    )
    # one that was queued in the same turn of the scheduler is in no session, and is merged into one afterwards
    own: Any = object_session(task_instance)
    with nullcontext(own) if own else create_session(scoped=False) as session:
        question = session.scalar(query)
        is_tried_again = task_instance.state == TaskInstanceState.UP_FOR_RETRY
        if not is_tried_again or question is None or not question.response_received:
            return
        if question.responded_at < task_instance.start_date:  # an answer to the question of an earlier try
            return
        task_instance.next_method = "execute_complete"
        event = TriggerEvent(question.as_resume_event_payload())
        handle_event_submit(event, task_instance=task_instance, session=session)
        # after the delay of a retry no process of before is in the way
        task_instance.state = TaskInstanceState.UP_FOR_RETRY
