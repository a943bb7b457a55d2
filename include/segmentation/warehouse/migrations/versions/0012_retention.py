"""Dates that the maintenance has dropped. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0012_retention.sql"))
