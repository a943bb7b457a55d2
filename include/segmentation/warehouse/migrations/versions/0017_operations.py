"""Withdrawn dates, locks out of reach, rules in a table. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0017_operations.sql"))
