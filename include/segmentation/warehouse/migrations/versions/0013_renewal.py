"""Searches of a run for a model, and their reasons. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0013_renewal.sql"))
