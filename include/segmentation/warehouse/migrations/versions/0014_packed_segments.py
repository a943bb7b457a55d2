"""A byte a customer and date, by which any two dates are compared. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0014_packed_segments.sql"))
