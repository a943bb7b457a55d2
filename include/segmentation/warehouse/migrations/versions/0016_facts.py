"""Facts of results and rules as columns; names by people in every relation. No way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0016_facts.sql"))
