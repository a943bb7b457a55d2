"""Figures of the leaderboard that candidates that cannot win lack. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0036_what_is_null.sql"))
