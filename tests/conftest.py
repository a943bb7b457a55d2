"""A real Postgres for every test: one embedded server a test run, databases of their own for each test."""

import atexit
import gc
import importlib
import itertools
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import psycopg2
import pytest
import xdist
from xdist.plugin import pytest_xdist_auto_num_workers as cores
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from segmentation import compiled
from segmentation.local import postgres
from segmentation.warehouse import schema
from segmentation.warehouse.db import Database
from tests import machine as machines
from tests import sessions
from tests.keys import fix_the_key

# Files of half a minute and more, the longest first: at the end no worker is left alone with one of them.
LONGEST = (
    "tests/operations/backfill/test_killed.py",
    "tests/local/test_up.py",
    "tests/pipeline/test_one_night.py",
    "tests/ui/test_api.py",
    "tests/pipeline/test_faults.py",
    "tests/docs/test_contributing.py",
    "tests/pipeline/test_tasks.py",
    "tests/report/test_browser.py",
    "tests/faults/test_operations.py",
    "tests/sources/test_online_retail.py",
    "tests/sources/test_demo.py",
    "tests/local/test_lifeline.py",
    "tests/applications/forecasts/test_forecasts.py",
    "tests/ingestion/test_first_load.py",
    "tests/docs/test_first_file.py",
    "tests/warehouse/test_answers.py",
    "tests/local/test_postgres.py",
    "tests/quality/test_gates.py",
    "tests/test_cli.py",  # else it would be the last
)
# Files that one worker runs, by what they share: an api-server takes twenty seconds of a core to make.
TOGETHER = {
    "an api-server": ("tests/ui/",),
}
# Each run tries the same examples; others, by a seed: --hypothesis-profile=random --hypothesis-seed=7
hypothesis.settings.register_profile("fixed", derandomize=True)
hypothesis.settings.register_profile("random", derandomize=False, database=None, print_blob=True)
hypothesis.settings.load_profile("fixed")


# Python looks for garbage after each 700 new objects, time and again through all that are there: a sixth of imports
gc.set_threshold(50_000)
atexit.register(gc.freeze)  # nor at the end, through all that goes away

# templates are compiled once for all workers, machines and runs; a file holds for its text alone
os.environ.setdefault(compiled.FOLDER, str(postgres.private(postgres.own_runtime_folder() / "compiled")))

SHARED_DATA = Path(os.environ.get("SEGMENTATION_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests of each file in random order")
    parser.addoption("--times", type=int, default=1, help="run each test so many times")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "story: its tests follow each other on one machine; --shuffle leaves them so"
    )
    if hasattr(config, "workerinput"):  # it looks for its types in every module that is there: none is now
        importlib.import_module("skops.io")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Three more than there are cores: at most times some wait, for a server or for a scheduler's next turn."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else cores(config) + 3


def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[Any]) -> None:
    """Fork the workers from a process that has collected; meanwhile make what many files begin with."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword:
        threading.Thread(target=_prepare, args=(config,), daemon=True).start()
    here = [spec for spec in specs if spec.popen and not spec.python]
    if here and (collected := _collected(config)):
        for spec in here:
            spec.python = str(collected)


def _collected(config: pytest.Config) -> Path | None:
    """The program that a worker is to begin as; none where the tests cannot be collected: workers say why."""
    address, me = postgres.own_runtime_folder() / f"collected-{os.getpid()}", os.getpid()
    try:
        collected = machines.Collected(address, me, config.args, config.invocation_params.dir)
    except RuntimeError:
        for kind in (".lock", ".log"):
            address.with_suffix(kind).unlink(missing_ok=True)
        return None
    return collected.program(config._tmp_path_factory.getbasetemp() / "python")


def _prepare(config: pytest.Config) -> None:
    warm = machines.Warm(postgres.own_runtime_folder() / f"warm-{os.getpid()}", os.getpid())
    machines.prepare_once(config._tmp_path_factory.getbasetemp() / "prepared_shop", warm)


def pytest_configure_node(node: WorkerController) -> None:
    """Tell a worker whose process it is."""
    node.workerinput["owner"] = os.getpid()


class Files(LoadFileScheduling):
    """Hands each worker a file after the other, or all files that share what is dear (`TOGETHER`)."""

    def _split_scope(self, nodeid: str) -> str:
        shared = (what for what, files in TOGETHER.items() if nodeid.startswith(files))
        return next(shared, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Files | None:
    """Hand out files as `--dist loadfile` does."""
    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat tests; with the profile `random` each time on other examples."""
    if (times := metafunc.config.getoption("--times")) > 1:
        metafunc.fixturenames.append("time_of_many")
        metafunc.parametrize("time_of_many", range(times))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forget what make and pytest were given: those that a test starts would take it for their own."""
    if not xdist.is_xdist_controller(session):  # whose workers read it, too
        for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS", "PYTEST_ADDOPTS"):
            os.environ.pop(name, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files; within each the tests stay as they stand there, or are shuffled."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    seed = config.getoption("--shuffle")
    for name, tests in files.items():
        if seed is not None and tests[0].get_closest_marker("story") is None:
            random.Random(f"{seed} {name}").shuffle(tests)  # noqa: S311
    places = {name: place for place, name in enumerate(LONGEST)}
    ordered = sorted(files, key=lambda name: places.get(name, len(places)))
    items[:] = [item for name in ordered for item in files[name]]


def pytest_collection_finish() -> None:
    """Look for garbage no more among what imports and thousands of tests are made of."""
    gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[object]:
    """The embedded server of this test process."""
    folder = Path(tempfile.mkdtemp(prefix="seg-pg-", dir=machines.place_of_servers()))
    with pytest.MonkeyPatch.context() as patch:
        # all of it is looked through whenever a database is made or dropped: 15 ms of a core instead of 40
        patch.setitem(postgres.SHARES, "shared_buffers", (8, 64, 128))
        running = postgres.start(folder / "postgres")
    running.ask_for(
        "trust"
    )  # tests act as many roles; tests/local/test_postgres.py sees that nobody else does
    machines.forget_durability(postgres.admin(running))
    with pytest.MonkeyPatch.context() as patch:
        sessions.keep(patch, postgres.admin(running).params["host"])
        yield running
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def administer(server) -> Iterator[Callable[[str], None]]:
    """A function that runs statements about databases, by one session of another one."""
    connection = psycopg2.connect(**postgres.admin(server).params)
    connection.autocommit = True

    def administer(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    yield administer
    connection.close()


@pytest.fixture(scope="session")
def new_database(server, administer) -> Callable[..., Database]:
    """Makes an empty database, or a copy of a template."""
    numbers = itertools.count()
    admin = postgres.admin(server)

    def make(template: str | None = None) -> Database:
        name = f"test_{next(numbers)}"
        sessions.end(template or "")
        administer(f"create database {name} template {template or 'template0'} strategy file_copy")
        return Database(name, {**admin.params, "dbname": name})

    return make


@pytest.fixture(scope="session")
def drop_database(administer) -> Callable[[Database], None]:
    """Forgets a database at once: hundreds of them left to the end take minutes to write and delete."""

    def drop(database: Database) -> None:
        sessions.end(database.params["dbname"])
        administer(f"drop database {database.name} with (force)")

    return drop


@pytest.fixture(scope="session")
def migrated(new_database) -> str:
    """A database with the warehouse's schema, to copy from; its key is the same in each run."""
    template = new_database()
    schema.migrate(template)
    with template.connect() as conn:
        fix_the_key(conn)
    return template.params["dbname"]


@pytest.fixture
def warehouse_db(new_database, migrated, drop_database) -> Iterator[Database]:
    """A warehouse of this test's own."""
    database = new_database(migrated)
    yield database
    drop_database(database)


@pytest.fixture
def shop_db(new_database, drop_database) -> Iterator[Database]:
    """An empty shop database of this test's own."""
    database = new_database()
    yield database
    drop_database(database)


@pytest.fixture
def warehouse(warehouse_db) -> Iterator[psycopg2.extensions.connection]:
    """A connection to a warehouse of this test's own."""
    connection = psycopg2.connect(**warehouse_db.params)
    yield connection
    connection.close()


@pytest.fixture
def shop(shop_db) -> Iterator[psycopg2.extensions.connection]:
    """A connection to an empty shop database of this test's own."""
    connection = psycopg2.connect(**shop_db.params)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def prepared_shop(request, tmp_path_factory, warm) -> Path:
    """The folder of a shop on which nothing has run, to copy from (`machine_with`); one for all workers."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent
    return machines.prepare_once(folder / "prepared_shop", warm)


@pytest.fixture(scope="session")
def warm(request) -> machines.Warm:
    """The process that commands are forked from; one for all workers, it ends with the one that started them."""
    owner = getattr(request.config, "workerinput", {}).get("owner", os.getpid())
    return machines.Warm(postgres.own_runtime_folder() / f"warm-{owner}", owner)


@pytest.fixture(scope="session")
def online_retail_file() -> Path:
    """The real shop to develop on; absent on a fresh machine."""
    file = SHARED_DATA / "online_retail.csv.gz"
    if not file.exists():
        pytest.skip(f"{file.name} is not here (looked for it in {file.parent})")
    return file
