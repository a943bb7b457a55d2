"""Use of discounts and response to price cuts. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0022_prices.sql"))
