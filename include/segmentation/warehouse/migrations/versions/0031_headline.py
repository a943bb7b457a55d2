"""The headline by mail. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0031_headline.sql"))
