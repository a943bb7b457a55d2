"""The roll-up by month, and the anchors of a night. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0009_roll_up.sql"))
