"""A block index of who is in which segment. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0035_lists.sql"))
