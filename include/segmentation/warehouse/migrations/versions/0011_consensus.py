"""Further scores of a candidate. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0011_consensus.sql"))
