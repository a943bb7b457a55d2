"""Orders without a purchase are kept by the roll-up. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0041_without_purchase.sql"))
