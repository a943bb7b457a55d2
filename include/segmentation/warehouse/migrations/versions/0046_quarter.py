"""Describe the reason `quarter` of a choice. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0046_quarter.sql"))
