"""Days with an order are kept once. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0039_order_days.sql"))
