"""Comments of the forecasters that came later. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0037_forecasters.sql"))
