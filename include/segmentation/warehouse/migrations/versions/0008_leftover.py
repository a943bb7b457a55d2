"""Warehouses made before 0.1.0 was finished have a sequence that nothing uses."""

from alembic import op

from segmentation.warehouse import db

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0008_leftover.sql"))
