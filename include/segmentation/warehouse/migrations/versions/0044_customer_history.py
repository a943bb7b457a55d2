"""Carry what is known of each customer from night to night. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0044_customer_history.sql"))
