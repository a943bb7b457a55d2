"""Products recommended to customers and segments. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0024_recommendations.sql"))
