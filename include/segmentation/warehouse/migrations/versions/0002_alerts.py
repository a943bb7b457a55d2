"""The register of alerts. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0002_alerts.sql"))
