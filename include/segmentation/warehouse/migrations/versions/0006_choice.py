"""More of what is known of each candidate. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0006_choice.sql"))
