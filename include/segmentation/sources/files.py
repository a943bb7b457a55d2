"""Files of a shop (CSV, Parquet, Excel), loaded as they are into the shop database.

A source whose folder has a `file.yaml` is a file source: it names the table and its columns. What the
columns mean is the business of the source's SELECTs.
"""

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import yaml
from psycopg2 import sql
from pydantic import BaseModel, ConfigDict

from segmentation.errors import SourceError
from segmentation.settings import Settings
from segmentation.settings import load as load_settings
from segmentation.sources.masking import pattern_of
from segmentation.sources.unpacking import bounded, refuse_bomb
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CHUNK_ROWS = 100_000
READER = 2  # another number reads files again that an older version has read
ENDINGS = (".csv", ".csv.gz", ".parquet", ".xlsx")
UNREADABLE = (ValueError, OSError, EOFError, zlib.error)  # what pandas and pyarrow raise


class Column(BaseModel):
    """A column of the file: the names it goes by, and whether it is parsed."""

    model_config = ConfigDict(extra="forbid")
    names: list[str]
    type: Literal["text", "timestamp"] = "text"


class FileSpec(BaseModel):
    """`file.yaml`: where a file of a source goes, and the columns that it must have.

    `reader: transactions` is for the one source whose columns have any names.
    """

    model_config = ConfigDict(extra="forbid")
    table: str
    reader: Literal["columns", "transactions"] = "columns"
    columns: dict[str, Column]


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
    return FileSpec(**yaml.safe_load(file.read_text())) if file.exists() else None


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
    told = settings or load_settings()
    version = _hash(path) + _reading(spec, told)
    with shop.connect() as conn:
        db.run_file(conn, "extract/files.sql")
        known = db.row(
            conn,
            "select version, rows, last_day, said, lacks from files.landed where source = %(s)s",
            {"s": source},
        )
        if known and known["version"] == version:
            return Landed(**known)
        if spec.reader == "transactions":
            from segmentation.sources import inspect, transactions

            loaded = transactions.load(
                conn, path, told, progress, lambda found, figures: show(inspect.of(found, figures).to_text())
            )
            landed = Landed(version, **vars(loaded))
        else:
            landed = _load(conn, source, spec, path, version, told, progress)
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
    """Settings that the rows of a file depend on besides its bytes."""
    if spec.reader == "columns":
        return f"-{READER}{settings.file.dates or ''}"
    from segmentation.sources import transactions

    return f"-{transactions.fingerprint(settings)}"


def lacks(shop: db.Database, source: str) -> frozenset[str]:
    """Data that features may need and the file of a source lacks; nothing for a live shop."""
    return frozenset(_kept(shop, source, "lacks"))


def said(shop: db.Database, source: str) -> list[str]:
    """Facts derived from the file of a source, in words; nothing for a live shop."""
    return _kept(shop, source, "said")


def _kept(shop: db.Database, source: str, column: Literal["said", "lacks"]) -> list[str]:
    spec = spec_of(source)
    if spec is None or spec.reader == "columns":
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
        from segmentation.sources.transactions.columns import Wish

        Wish.parse(load_settings().file.columns)


def _existing(source: str, spec: FileSpec, data: str | None) -> Path:
    if not data:
        raise SourceError(f"source '{source}' is read from a file: name it with DATA=path/to/file")
    path = Path(data).expanduser()
    if not path.is_file():
        raise SourceError(f"{data}: no such file (DATA= names the file of source '{source}')")
    by_ending = spec.reader == "columns"  # the other reader looks into the file
    if by_ending and not path.name.lower().endswith(ENDINGS):
        raise SourceError(f"{data}: cannot tell what kind of file this is (known: {', '.join(ENDINGS)})")
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
    table = (source, spec.table)
    kinds = {name: "timestamp" if c.type == "timestamp" else "text" for name, c in spec.columns.items()}
    columns = sql.SQL(", ").join(
        sql.SQL(f"{{}} {kind}").format(sql.Identifier(n)) for n, kind in kinds.items()
    )
    create = "create schema if not exists {}; drop table if exists {}; create table {} (file_row bigint, {})"
    name = sql.Identifier(*table)
    dates = _dates(spec, path, settings)  # how dates are written is decided on the whole of a column
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL(create).format(sql.Identifier(source), name, name, columns))
    landed = _copy(conn, table, spec, path, version, dates, progress)
    for column in (column for column, kind in kinds.items() if kind == "timestamp"):
        with conn.cursor() as cursor:
            cursor.execute(sql.SQL("create index on {} ({})").format(name, sql.Identifier(column)))
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("analyze {}").format(name))
    return landed


def _copy(
    conn: db.Connection,
    table: tuple[str, str],
    spec: FileSpec,
    path: Path,
    version: str,
    dates: dict[str, "pd.Series"],
    progress: Callable[[str], None],
) -> Landed:
    """COPY the file into its empty table, chunk by chunk."""
    total, last = 0, None
    for chunk in _chunks(path):
        frame = _wanted(chunk, spec, path, total)
        for name, column in dates.items():
            frame[name] = column.iloc[total : total + len(frame)].to_numpy()
        total += db.copy_frame(conn, frame, table)
        for name in dates:
            latest = frame[name].max()
            last = max(filter(None, (last, latest.date() if latest == latest else None)), default=None)
        progress(f"load {path.name}: {total:,} rows")
    return Landed(version, total, last)


def _dates(spec: FileSpec, path: Path, settings: Settings) -> dict[str, "pd.Series"]:
    """The columns of dates of the whole file, as the shop's clock.

    Raises
    ------
    SourceError
        When a column can be read in two ways that are equally likely, or holds what is no date.
    """
    import pyarrow as pa

    names = [name for name, column in spec.columns.items() if column.type == "timestamp"]
    texts: dict[str, list[Any]] = {name: [] for name in names}
    theirs: dict[str, str] = {}
    rows = 0
    for chunk in _chunks(path):
        frame = _wanted(chunk, spec, path, rows)
        rows += len(frame)
        for name in names:
            theirs[name] = _column_of(chunk, spec, name, path)
            texts[name].append(pa.array(frame[name].fillna(""), pa.string()).dictionary_encode())
    return {name: _moments(texts[name], theirs[name], path, settings) for name in names if theirs}


def _moments(parts: "list[pa.Array]", column: str, path: Path, settings: Settings) -> "pd.Series":
    """A column of dates, by the reader of files of transactions."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from segmentation.sources.transactions import dates
    from segmentation.sources.transactions.coded import Coded

    coded = Coded.of(pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.string())))
    told, zone = settings.file.dates, settings.shop.timezone
    lines = np.arange(1, len(coded.codes) + 1)
    written = dates.Written(coded)
    try:
        moments = dates.read(written, None, lines, told, zone, path.name)
    except dates.TwoWaysError:  # the first that fits no one order is named
        moments = dates.read(written, None, lines, "dmy", zone, path.name)
    if moments.has_zone:
        raise SourceError(
            f"{path.name}: column {column}: times with an offset from UTC (Z, +01:00) are not read; "
            "write the shop's own time of day"
        )
    wrong = moments.written == dates.UNREADABLE
    if wrong.any():
        row = int(wrong.argmax())
        place = f"{path.name}: row {row + 1} (below the header), column {column}: "
        text = coded.values[int(coded.codes[row])].as_py()
        raise SourceError(
            f"{place}'{pattern_of(text)}' is not a date and time", unsaid=f"{place}not a date and time"
        )
    return pd.Series(moments.written.astype("datetime64[us]"))


def _chunks(path: Path) -> Iterator["pd.DataFrame"]:
    """The file in frames of text; missing values are empty."""
    kind = path.name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    try:
        yield from {"csv": _csv, "parquet": _parquet, "xlsx": _excel}[kind](path)
    except SourceError:
        raise
    except UNREADABLE as error:
        words = str(error).strip() or type(error).__name__
        raise SourceError(f"{path.name}: not readable as {kind}: {words.splitlines()[0]}") from None


def _csv(path: Path) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    encoding = _encoding(path)
    with _unpacked(path) as file:
        yield from pd.read_csv(
            file, dtype=str, keep_default_na=False, chunksize=CHUNK_ROWS, encoding=encoding
        )


def _unpacked(path: Path) -> IO[bytes]:
    is_packed = path.name.lower().endswith(".gz")
    return bounded(gzip.open(path, "rb"), path) if is_packed else path.open("rb")


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is; else Windows-1252, in which the older editions were published."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with _unpacked(path) as file:
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def _parquet(path: Path) -> Iterator["pd.DataFrame"]:
    import pyarrow.parquet as parquet

    for batch in parquet.ParquetFile(path).iter_batches(CHUNK_ROWS):
        frame = batch.to_pandas()
        yield frame.astype("string").fillna("")


def _excel(path: Path) -> Iterator["pd.DataFrame"]:
    import pandas as pd
    from python_calamine import CalamineError

    refuse_bomb(path)
    try:
        sheets = pd.read_excel(path, sheet_name=None, dtype=str, engine="calamine")
    except CalamineError as error:  # it is no ValueError
        raise ValueError(str(error)) from error
    for sheet in sheets.values():
        yield sheet.fillna("")


def _column_of(chunk: "pd.DataFrame", spec: FileSpec, name: str, path: Path) -> Any:
    """Name of a column of the spec in the file."""
    found = {str(column).strip().lower(): column for column in chunk.columns}
    column = spec.columns[name]
    theirs = next((found[n.lower()] for n in column.names if n.lower() in found), None)
    if theirs is None:
        raise SourceError(
            f"{path.name}: column {' or '.join(column.names)} is missing "
            f"(found: {', '.join(map(str, chunk.columns))})"
        )
    return theirs


def _wanted(chunk: "pd.DataFrame", spec: FileSpec, path: Path, before: int) -> "pd.DataFrame":
    """The columns of the spec under our names, as text."""
    import pandas as pd

    frame = pd.DataFrame({"file_row": range(before + 1, before + 1 + len(chunk))}, index=chunk.index)
    for name in spec.columns:
        frame[name] = chunk[_column_of(chunk, spec, name, path)].astype("string")
    return frame
