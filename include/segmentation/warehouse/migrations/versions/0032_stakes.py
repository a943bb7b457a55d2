"""The money that a play is about. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0032_stakes.sql"))
