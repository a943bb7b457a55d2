"""Stale dates, and days that another run read. There is no way down: restore a backup instead."""

from alembic import op

from segmentation.warehouse import db

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(db.statement("schema/0007_nights.sql"))
    # what is loaded already is known from now on, so that reading it again makes nothing stale
    select = db.statement("core/day_checksums.sql") % {"first": "null", "end": "'infinity'"}
    connection.exec_driver_sql(
        f"insert into core.day_checksums (table_name, day, row_count, checksum) {select}"
    )
