"""The products of a customer's year, carried from night to night. There is no way down: restore a backup."""

from alembic import op

from segmentation.warehouse import db

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(db.statement("schema/0038_products_bought.sql"))
