"""Who looked at customers in the UI. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0027_access.sql"))
