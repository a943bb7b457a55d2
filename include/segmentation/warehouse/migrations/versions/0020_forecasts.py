"""Forecasts of customers and segments. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0020_forecasts.sql"))
