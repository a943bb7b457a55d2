"""Describe the reason `room` of a choice. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0045_room.sql"))
