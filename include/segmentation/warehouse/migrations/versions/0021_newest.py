"""Look-ups that cost the same with any number of dates. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    for file in ("newest", "renames", "alerts"):
        op.get_bind().exec_driver_sql(db.statement(f"schema/0021_{file}.sql"))
