"""Releases from quarantine. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0004_releases.sql"))
