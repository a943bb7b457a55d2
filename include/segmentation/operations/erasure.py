"""A person is forgotten, and it is shown: rows and files go, and a search tells what is left.

Publications count what they counted (sizes, profiles); what names the customer is gone from them. A run that
was under way does not bring the customer back: `segmentation.runs.erased`.
"""

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from segmentation.applications import audiences
from segmentation.applications.campaigns import lists
from segmentation.errors import SettingsError, SourceError
from segmentation.operations import traces
from segmentation.runs import erased
from segmentation.runs.night import Night
from segmentation.runs.window import Window
from segmentation.sources import contract
from segmentation.sources.transactions import people
from segmentation.warehouse import db, locks

DONE, SOMETHING_IS_LEFT = 0, 1
tables = erased.tables


@dataclass
class Erasure:
    """Result of an erasure: rows by table, files written anew; and what a search afterwards has found."""

    rows: dict[str, int] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    searched: traces.Searched = field(default_factory=traces.Searched)

    def words(self) -> list[str]:
        """Words for the terminal; nothing of the customer."""
        lines = [f"{rows:9,}  {name}" for name, rows in self.rows.items()]
        lines += [f"  written anew  {file}" for file in self.files]
        return [*(lines or ["there is no such customer here"]), "", *self.searched.words()]


def erase(night: Night, customer_id: str) -> dict[str, int]:
    """Delete a customer's rows; returns how many, by table. Of the customer a keyed hash is kept.

    Raises
    ------
    SourceError
        When the shop still has the customer: a night that reads those days would bring it back.
    """
    return _erase_rows(night, _ids(night, customer_id.strip()))[0]


def run(night: Night, customer: str, exports: Path, logs: Iterable[Path] = ()) -> Erasure:
    """Erase a customer by id or by address, everywhere, and search for what is left.

    Parameters
    ----------
    customer : str
        The id; or an address, of which the id is the hash, or which the shop has of the customer.
    exports, logs
        Folders of the exported audiences, and of logs; the run's store is `night.store`.

    Raises
    ------
    SettingsError
        Nothing was given.
    SourceError
        When the shop still has the customer.
    """
    if not customer.strip():
        raise SettingsError("which customer? nothing was given")
    ids = _ids(night, customer.strip())
    addresses = _addresses(night, customer.strip(), ids)
    counts, stand_ins = _erase_rows(night, ids)
    with night.warehouse.connect(readonly=True) as conn:
        under_way = erased.running(conn)
    rewritten = erased.forget_in_files(night.store, stand_ins, under_way)
    rewritten += audiences.forget_addresses(exports, addresses)
    rewritten += lists.forget(exports, set(ids), addresses)
    searched = traces.search(night, {*ids, *addresses}, [night.store, exports], logs)
    return Erasure(counts, rewritten, searched)


def _hash(address: str) -> str:
    """SHA-256 of an address, trimmed and in lower case, as `email_sha256` is made of it."""
    return hashlib.sha256(address.strip().lower().encode()).hexdigest()


def _ids(night: Night, customer: str) -> list[str]:
    """The ids that may be meant: what was given; of an address its hashes, and whose address it is."""
    if "@" not in customer:
        return [customer]
    query = "select distinct btrim(customer_id) as id from {} where lower(btrim(email_sha256)) = %(hash)s order by 1"
    by_address = set()
    with night.warehouse.connect(readonly=True) as conn:
        for table in ("staging.customers", "core.customers"):
            by_address |= {row["id"] for row in db.rows(conn, query.format(table), {"hash": _hash(customer)})}
    return sorted({customer, _hash(customer), people.customer_id(customer), *by_address} - {None, ""})


def _addresses(night: Night, customer: str, ids: list[str]) -> set[str]:
    """The hashed addresses of the customer that nobody else has, too."""
    query = """
        select lower(btrim(email_sha256)) as address
        from (
            select customer_id, email_sha256 from staging.customers
            union all
            select customer_id, email_sha256 from core.customers
        ) as known
        where email_sha256 is not null
        group by 1
        having bool_and(btrim(customer_id) = any(%(ids)s))
        order by 1
    """
    with night.warehouse.connect(readonly=True) as conn:
        addresses = {row["address"] for row in db.rows(conn, query, {"ids": ids})}
    return addresses | ({_hash(customer)} if "@" in customer else set())


def _erase_rows(night: Night, ids: list[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Rows deleted by table, and what stands for each id in the matrix of a run that is under way."""
    for customer_id in ids:
        _refuse_if_there(night, {"customer_id": customer_id})
    counts: dict[str, int] = {}
    stand_ins: dict[str, str] = {}
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.DAYS)
        locks.hold(conn, locks.PUBLICATION)
        for customer_id in ids:
            stand_ins[customer_id] = erased.remember(conn, customer_id)
            for name, rows in erased.delete(conn, customer_id).items():
                counts[name] = counts.get(name, 0) + rows
    return counts, stand_ins


def _refuse_if_there(night: Night, params: dict[str, str]) -> None:
    """The shop's own erasure comes first."""
    selects = contract.tables_of(night.settings.shop.source)
    bounds = Window(None, night.as_of_date).bounds(night)
    with night.shop.connect(readonly=True, timezone=night.settings.shop.timezone) as conn:
        for table in selects:
            if "customer_id" not in contract.TABLES[table].columns:
                continue
            select = db.statement(f"extract/{night.settings.shop.source}/{table}.sql").strip().rstrip(";")
            query = (
                f"select exists (select from (\n{select}\n) as q "
                "where btrim(q.customer_id::text) = %(customer_id)s)"
            )
            try:
                is_there = db.scalar(conn, query, {**bounds, **params})
            except psycopg2.ProgrammingError as error:  # a table or column that is gone, or not to be read
                raise SourceError(
                    f"the shop's {table} cannot be read, so that nobody knows whether they still have this "
                    f"customer: {str(error).splitlines()[0]}. Nothing was erased"
                ) from None
            if is_there:
                raise SourceError(
                    f"the shop's {table} still have this customer, and a night that reads them would bring "
                    "it back: erase it there first, or give its orders to nobody"
                )


def ask() -> int:
    """Ask for the id, so that it stands in no history of commands: the command `erase`."""
    from datetime import datetime
    from getpass import getpass

    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    loaded = settings.load()
    shop, warehouse = (connections.database(name) for name in ("shop", "warehouse"))
    schema.migrate(warehouse)
    today = datetime.now(loaded.tz).date()
    night = Night("erasure", today, loaded, shop, warehouse, connections.store())
    customer = getpass("customer to erase: ") if sys.stdin.isatty() else sys.stdin.readline()
    erasure = run(night, customer, connections.audiences(), connections.logs())
    print("\n".join(erasure.words()))
    return SOMETHING_IS_LEFT if erasure.searched.certain else DONE
