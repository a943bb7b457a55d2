"""Forecasts of customers and segments. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0022_forecasts.sql"))
