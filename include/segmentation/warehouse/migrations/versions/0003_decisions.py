"""Decisions about held nights. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0003_decisions.sql"))
