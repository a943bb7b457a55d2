"""Customers who were erased, and sketches that nobody reads. There is no way down: restore a backup instead."""

import secrets

from alembic import op

from segmentation.warehouse import db

revision = "0018"
down_revision = "0017"

BLOCK = 64  # bytes of a block of SHA-256
SKETCH = 256  # hashes of a sketch, when this version was made


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(db.statement("schema/0018_privacy.sql"))
    key = secrets.token_bytes(32).ljust(BLOCK, b"\0")
    pads = {"inner": bytes(b ^ 0x36 for b in key), "outer": bytes(b ^ 0x5C for b in key)}
    connection.exec_driver_sql(
        "insert into privacy.secret (inner_pad, outer_pad) values (%(inner)s, %(outer)s)", pads
    )
    connection.exec_driver_sql(db.statement("schema/0018_sketches.sql"), {"size": SKETCH})
    connection.exec_driver_sql("alter table segments.segments drop column sketch")
