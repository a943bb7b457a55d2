"""Bytes of a date stay when its rows have gone. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0043_old_dates.sql"))
