"""The role of the page in the UI. There is no way down: restore a backup instead."""

from alembic import op

from segmentation import db

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0009_ui_role.sql"))
