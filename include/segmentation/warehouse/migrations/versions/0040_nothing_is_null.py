"""Nothing is null in the roll-up, and takes no room. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0040_nothing_is_null.sql"))
