"""Forecasts of customers and segments. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0023_forecasts.sql"))
