"""A warehouse on an older Postgres than the embedded one, where the machine has one: 15 is promised."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from segmentation.features import gate as features_gate
from segmentation.features import table as features
from segmentation.features import verify
from segmentation.ingestion import gate
from segmentation.quality import judge
from segmentation.warehouse import db, schema
from segmentation.warehouse.db import Database
from tests.machine import server_folder
from tests.small_shop import SELECTS, SmallShop, make_source, select, silent

PROMISED = 15
INSTALLED = {int(path.name): path / "bin" for path in Path("/usr/lib/postgresql").glob("[0-9]*")}
AS_OF = date(2024, 6, 1)
OWNER = "pgserver" if os.geteuid() == 0 else None  # a server does not run as root
MADE = """
insert into tiny.customers (customer_id, signed_up_at, country, updated_at)
select 'c' || n, timestamptz '2023-01-01', 'Kenya', timestamptz '2023-01-01' from generate_series(1, 50) as n;
insert into tiny.orders (order_id, customer_id, ordered_at, status, cancelled_at)
select d::date || '-' || n, 'c' || 1 + mod(n * 7 + d::date - date '2023-01-01', 50),
    d + n * interval '2 hours', 'completed', case when n = 3 then d + interval '40 days' end
from generate_series(timestamptz '2023-03-01', timestamptz '2024-06-09', '1 day') as d,
    generate_series(1, 5) as n;
insert into tiny.order_items
    (order_id, line_no, product_id, category, quantity, unit_price, discount, ordered_at)
select order_id, line, 'p' || line * 3 + length(customer_id), 'g' || line, line, 5, 0.5, ordered_at
from tiny.orders, generate_series(1, 2) as line;
insert into tiny.events
    (event_id, customer_id, session_id, occurred_at, event_type, product_id, duration_seconds)
select 'e' || order_id, customer_id, 's' || order_id, ordered_at - interval '1 hour', 'view', 'p1', 30
from tiny.orders;
insert into tiny.reviews (review_id, customer_id, product_id, reviewed_at, rating, body)
select 'r' || order_id, customer_id, 'p1', ordered_at + interval '1 hour', 4, 'good' from tiny.orders
"""


@pytest.fixture(scope="module")
def older(server) -> Iterator[dict[str, str]]:
    """The parameters of a connection to the oldest promised server that is installed.

    The embedded one is asked for because its library makes the user that a server runs as.
    """
    versions = [
        number for number, tools in INSTALLED.items() if number >= PROMISED and (tools / "initdb").exists()
    ]
    if not versions:
        pytest.skip("no Postgres but the embedded one is installed")
    tools = INSTALLED[min(versions)]
    with server_folder("seg-older-") as folder:
        if OWNER:
            shutil.chown(folder, OWNER)
        data = f"{folder}/data"
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        make = [tools / "initdb", "-D", data, *options]
        ours = f"-k {folder} -c listen_addresses='' -c fsync=off -c timezone=UTC"
        start = [tools / "pg_ctl", "-w", "-D", data, "-o", ours, "-l", f"{folder}/log", "start"]
        subprocess.run(make, user=OWNER, check=True, capture_output=True)
        subprocess.run(start, user=OWNER, check=True, stdout=subprocess.DEVNULL)
        try:
            yield {"host": folder, "user": "postgres", "dbname": "postgres"}
        finally:
            stop = [tools / "pg_ctl", "-D", data, "-m", "immediate", "stop"]
            subprocess.run(stop, user=OWNER, check=True, stdout=subprocess.DEVNULL)


def test_nights_on_an_older_postgres_come_to_what_all_facts_do(older, tmp_path, monkeypatch):
    make_source(monkeypatch, tmp_path, {table: select(table) for table in SELECTS})
    monkeypatch.setattr(judge, "judge", lambda *_: None)  # what they read is of interest, not the verdict
    target = Database("older", older)
    schema.migrate(target)
    shop = SmallShop(target, target, tmp_path)
    shop.create()
    with target.connect() as conn:
        db.execute(conn, MADE)
    for days in (0, 1, 2, 9):
        night = shop.night(AS_OF + timedelta(days=days))
        first = shop.ingest(night)["first"]
        gate.check_sources(night, first and date.fromisoformat(first), night.as_of_date)
        gate.check_cleaning(night)
        assert features.build(night, silent) == 50
        features_gate.check_features(night)
        frame, spend = features.read_earlier(night, night.settings.model.horizon_days)
        assert len(frame) == len(spend) == 50
        assert verify.verify(night) == []
