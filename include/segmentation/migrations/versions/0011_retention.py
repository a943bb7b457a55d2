"""Dates that the maintenance has dropped. There is no way down: restore a backup instead."""

from alembic import op

from segmentation import db

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0011_retention.sql"))
