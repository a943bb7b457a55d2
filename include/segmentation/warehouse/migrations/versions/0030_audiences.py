"""Audiences that people save. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0030_audiences.sql"))
