"""Files of a shop (CSV, Parquet, Excel), loaded as they are into the shop database.

A source whose folder has a `file.yaml` is a file source: it names the table and its columns. What the
columns mean is the business of the source's SELECTs.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np

from segmentation import yaml_files
from segmentation.errors import SourceError
from segmentation.language.texts import fact, speaking
from segmentation.settings import Settings
from segmentation.settings import load as load_settings
from segmentation.sources import columns
from segmentation.sources.columns import FileSpec
from segmentation.warehouse import db


@dataclass(frozen=True)
class Landed:
    """A file in the shop database: its hash is the version of the source.

    `said` is what was found out about it, in words; `lacks` is what features may need and it has not.
    """

    version: str
    rows: int
    last_day: date | None
    said: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def spec_of(source: str) -> FileSpec | None:
    """The `file.yaml` of a source, or None when the source is a live shop."""
    file = db.SQL / "extract" / source / "file.yaml"
    return FileSpec(**yaml_files.parse(file.read_text())) if file.exists() else None


def land(
    shop: db.Database,
    source: str,
    data: str | None,
    progress: Callable[[str], None] = print,
    settings: Settings | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> Landed | None:
    """Load the file of a source into the shop database, unless just this file is there already.

    One transaction: a file that is refused leaves the file before it in place. None for a live shop. The
    settings (default: those in force) say how a file of transactions is written; `show` is called with the
    inspection of one before it is loaded.

    Raises
    ------
    SourceError
        When the file is missing or not readable, or lacks a column, or holds an unreadable date.
    """
    spec = spec_of(source)
    if spec is None:
        return None
    path = _existing(source, spec, data)
    settings_ = settings or load_settings()
    version = _hash(path) + _reading(spec, settings_)
    with shop.connect() as conn:
        db.run_file(conn, "extract/files.sql")
        row = db.row(
            conn,
            "select version, rows, last_day, said, lacks from files.landed where source = %(s)s",
            {"s": source},
        )
        if row and row["version"] == version:
            return Landed(**row)
        if spec.reader == "transactions":
            from segmentation.sources import inspect, transactions

            def shown(reading: Any, figures: Any) -> None:
                with speaking(settings_.language):
                    show(inspect.of(reading, figures).to_text())

            loaded = transactions.load(conn, path, settings_, progress, shown)
            landed = Landed(version, loaded.rows, loaded.last_day, loaded.notes, loaded.lacks)
        else:
            landed = _load(conn, source, spec, path, version, settings_, progress)
            show("\n".join([path.name, *(f"  {words}" for words in landed.said)]))
        db.execute(
            conn,
            """
            insert into files.landed (source, file_name, version, rows, last_day, said, lacks)
            values (%(source)s, %(file_name)s, %(version)s, %(rows)s, %(last_day)s, %(said)s, %(lacks)s)
            on conflict (source) do update set
                file_name = excluded.file_name, version = excluded.version,
                rows = excluded.rows, last_day = excluded.last_day,
                said = excluded.said, lacks = excluded.lacks, landed_at = now()
            """,
            {"source": source, "file_name": path.name, **vars(landed)},
        )
    return landed


def _reading(spec: FileSpec, settings: Settings) -> str:
    """Settings that the rows of a file depend on besides its bytes, and the columns that are wanted."""
    from segmentation.sources import transactions

    if spec.reader == "columns":
        fingerprint = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()[:4]
        return f"-{transactions.fingerprint(settings)}{fingerprint}"
    return f"-{transactions.fingerprint(settings)}"


def lacks(shop: db.Database, source: str) -> frozenset[str]:
    """Data that features may need and the file of a source lacks; nothing for a live shop."""
    return frozenset(_stored(shop, source, "lacks"))


def notes(shop: db.Database, source: str) -> list[str]:
    """Facts derived from the file of a source, in words; nothing for a live shop."""
    return _stored(shop, source, "said")


def _stored(shop: db.Database, source: str, column: Literal["said", "lacks"]) -> list[str]:
    spec = spec_of(source)
    if spec is None:
        return []
    with shop.connect(readonly=True) as conn:
        if db.scalar(conn, "select to_regclass('files.landed')") is None:
            return []
        return db.scalar(conn, f"select {column} from files.landed where source = %(s)s", {"s": source}) or []


def check(source: str, data: str | None) -> None:
    """Refuse a file source whose file is not there, before anything is made.

    Raises
    ------
    SourceError
    """
    spec = spec_of(source)
    if spec is not None:
        _existing(source, spec, data)
    if spec and spec.reader == "transactions":
        from segmentation.sources.transactions.columns import ColumnChoice

        ColumnChoice.parse(load_settings().file.columns)


def _existing(source: str, spec: FileSpec, data: str | None) -> Path:
    if not data:
        raise SourceError(
            fact("source '{source}' is read from a file: name it with DATA=path/to/file", source=source)
        )
    path = Path(data).expanduser()
    if not path.is_file():
        raise SourceError(
            fact("{file}: no such file (DATA= names the file of source '{source}')", file=data, source=source)
        )
    return path


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _load(
    conn: db.Connection,
    source: str,
    spec: FileSpec,
    path: Path,
    version: str,
    settings: Settings,
    progress: Callable[[str], None],
) -> Landed:
    """Load a file whose columns `file.yaml` names."""
    loaded = columns.load(conn, source, spec, path, settings, progress)
    latest = max((int(of.max()) for of in loaded.moments.values() if len(of)), default=None)
    last = None if latest is None else np.datetime64(latest, "us").astype("datetime64[D]").item()
    return Landed(version, loaded.content.rows, last, loaded.notes)
