"""Facts that a choice rests on; what was said of a date, and what has come. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0027_foresight.sql"))
