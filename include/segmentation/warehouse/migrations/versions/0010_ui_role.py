"""The role of the page in the UI. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0010_ui_role.sql"))
