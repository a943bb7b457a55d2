"""Products recommended to customers and segments. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0021_recommendations.sql"))
