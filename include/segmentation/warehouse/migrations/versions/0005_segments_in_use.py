"""Lineage, names that stay, rules, movement, products. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0005_segments_in_use.sql"))
