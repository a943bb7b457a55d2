"""The last 180 days of customers, moved from night to night. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0015_recent.sql"))
