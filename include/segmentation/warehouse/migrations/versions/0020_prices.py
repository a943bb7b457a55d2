"""Use of discounts and response to price cuts. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0020_prices.sql"))
