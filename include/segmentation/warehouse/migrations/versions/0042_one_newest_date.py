"""The views of the newest date are planned with one date. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0042_one_newest_date.sql"))
