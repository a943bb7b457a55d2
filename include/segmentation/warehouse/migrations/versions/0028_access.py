"""Looks at customers in the UI. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0028_access.sql"))
