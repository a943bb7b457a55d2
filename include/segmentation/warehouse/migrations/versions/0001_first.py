"""The first version of the warehouse. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0001_first.sql"))
    op.get_bind().exec_driver_sql(db.statement("schema/0001_comments.sql"))
