"""How much the segments of a candidate say of the features. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0029_described.sql"))
