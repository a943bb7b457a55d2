"""Share of the features that the segments of a candidate explain. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0033_described.sql"))
