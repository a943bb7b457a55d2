"""Campaigns with a control group. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0026_campaigns.sql"))
