"""Audiences: the hashed addresses of each segment, as files that ad platforms and mailing systems take.

    <folder>/2026-03-02/<run>-<checksum>/segment_1.csv, segment_1.parquet, ...
    <folder>/2026-03-02/manifest.json      what the date's export is made of
    <folder>/manifest.json                 the same, of the newest date

The files of an export go into a folder of their own; then a manifest names them, with rows and checksums. It
is written in one step and last, so that whoever begins with the manifest never sees half of an export.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from segmentation.applications.folders import MANIFEST, WITHHELD
from segmentation.applications.folders import put as _put
from segmentation.applications.folders import remove as _remove
from segmentation.applications.folders import sha256 as _sha256
from segmentation.errors import SettingsError
from segmentation.runs import register
from segmentation.runs.register import Run
from segmentation.settings import Audiences, Settings
from segmentation.warehouse import db

COLUMN = "email_sha256"


@dataclass(frozen=True)
class Audience:
    """A segment of the newest date, and the hashed addresses of it that may be used, in order."""

    segment_id: int
    name: str
    customers: int
    addresses: list[str]


def export(
    warehouse: db.Database, folder: Path, settings: Audiences, progress: Callable[[str], None] = print
) -> dict[str, Any]:
    """Export the audiences of the newest published date; returns the manifest.

    An audience with fewer addresses than `min_customers` is withheld: it has an entry without files, and
    without a count. Exporting again what has not changed writes nothing but the manifest.

    Parameters
    ----------
    folder
        Any pathlib-like folder, a local one or on object storage.

    Raises
    ------
    SettingsError
        When nothing was published yet.
    """
    with warehouse.connect(readonly=True) as conn:
        run = _newest(conn)
        audiences = [_read(conn, run, row, settings) for row in _segments(conn, run)]
    large_enough = [a for a in audiences if len(a.addresses) >= settings.min_customers]
    day = folder / f"{run.as_of_date}"
    files = {
        f"segment_{a.segment_id}.{kind}": make(a.addresses)
        for a in large_enough
        for kind, make in (("csv", _csv), ("parquet", _parquet))
    }
    digest = hashlib.sha256("".join(map(_sha256, files.values())).encode()).hexdigest()
    place = day / f"{run.run_id}-{digest[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _put(place / name, content)
    manifest = {
        "as_of_date": f"{run.as_of_date}",
        "run_id": run.run_id,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "column": COLUMN,
        "needs_consent": settings.needs_consent,
        "min_customers": settings.min_customers,
        "audiences": [_entry(a, a in large_enough, f"{day.name}/{place.name}", files) for a in audiences],
    }
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    _put(day / MANIFEST, content)
    _put(folder / MANIFEST, content)
    _forget(folder, day, place, settings.keep_dates)
    progress(
        f"audiences: {len(large_enough)} of {len(audiences)} segments of {run.as_of_date}, "
        f"{sum(len(a.addresses) for a in large_enough):,} addresses, to {folder}"
    )
    return manifest


def _newest(conn: db.Connection) -> Run:
    day = register.newest(conn)
    run = register.published(conn, day) if day else None
    if run is None:
        raise SettingsError("there are no audiences to export: nothing was published yet")
    return run


def _segments(conn: db.Connection, run: Run) -> list[dict[str, Any]]:
    return db.rows(
        conn,
        "select v.segment_id, coalesce(o.name, v.generated_name, v.name) as name, v.customers "
        "from segments.segment_versions as v "
        "left join segments.segment_name_overrides as o on v.segment_id = o.segment_id "
        "where v.as_of_date = %(as_of_date)s order by v.segment_id",
        run.params,
    )


def _read(conn: db.Connection, run: Run, segment: dict[str, Any], settings: Audiences) -> Audience:
    params = {**run.params, "segment_id": segment["segment_id"], "needs_consent": settings.needs_consent}
    with conn.cursor() as cursor:
        cursor.execute(db.statement("applications/audiences/audience.sql"), params)
        addresses = [address for (address,) in cursor]
    return Audience(segment["segment_id"], segment["name"], segment["customers"], addresses)


def forget_addresses(folder: Path, addresses: set[str]) -> list[Path]:
    """Take addresses out of every export that is kept; returns the files that are written anew, or are gone.

    The manifests name new files with their checksums, and the old ones go after that. An audience that has
    fewer than `min_customers` left is withheld from then on.
    """
    rewritten = []
    for manifest_file in (
        sorted(folder.glob(f"*/{MANIFEST}"), key=str) if addresses and folder.exists() else []
    ):
        manifest = json.loads(manifest_file.read_text())
        changed = {}
        for entry in manifest["audiences"]:
            for file in entry.get("files", ()):
                lines = _read_addresses(folder / file["path"])
                if addresses.intersection(lines):
                    changed[file["path"]] = [line for line in lines if line not in addresses]
        if changed:
            _write_anew(folder, manifest_file, manifest, changed)
            rewritten += [folder / path for path in changed]
    return rewritten


def _read_addresses(file: Path) -> list[str]:
    import pyarrow.parquet as pq

    if file.name.endswith(".csv"):
        return file.read_text().splitlines()[1:]
    return pq.read_table(BytesIO(file.read_bytes()))[COLUMN].to_pylist()


def _write_anew(
    folder: Path, manifest_file: Path, manifest: dict[str, Any], changed: dict[str, list[str]]
) -> None:
    """An export with fewer addresses: its files in a new folder, its manifest, then the old ones go."""
    old = folder / next(iter(changed)).rsplit("/", 1)[0]
    contents: dict[str, bytes] = {}
    for entry in manifest["audiences"]:
        for file in entry.get("files", ()):
            name = file["path"].rsplit("/", 1)[1]
            make = _csv if name.endswith(".csv") else _parquet
            remaining = changed.get(file["path"])
            contents[name] = (folder / file["path"]).read_bytes() if remaining is None else make(remaining)
            entry["addresses"] = entry["addresses"] if remaining is None else len(remaining)
        if entry.get("addresses", manifest["min_customers"]) < manifest["min_customers"]:
            for file in entry.pop("files"):
                del contents[file["path"].rsplit("/", 1)[1]]
            del entry["addresses"], entry["customers"]
            entry["withheld"] = WITHHELD
    digest = hashlib.sha256("".join(map(_sha256, contents.values())).encode()).hexdigest()
    place = old.with_name(f"{manifest['run_id']}-{digest[:12]}")
    place.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _put(place / name, content)
    for entry in manifest["audiences"]:
        if "files" in entry:
            entry["files"] = _files(
                entry["segment_id"], f"{manifest_file.parent.name}/{place.name}", contents
            )
    content = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
    newest = folder / MANIFEST
    is_newest = newest.exists() and json.loads(newest.read_text())["as_of_date"] == manifest["as_of_date"]
    _put(manifest_file, content)
    if is_newest:
        _put(newest, content)
    if old.name != place.name:
        _remove(old)


def _entry(audience: Audience, is_kept: bool, place: str, files: dict[str, bytes]) -> dict[str, Any]:
    entry: dict[str, Any] = {"segment_id": audience.segment_id, "name": audience.name}
    if not is_kept:
        return {**entry, "withheld": WITHHELD}
    return {
        **entry,
        "customers": audience.customers,
        "addresses": len(audience.addresses),
        "files": _files(audience.segment_id, place, files),
    }


def _files(segment_id: int, place: str, files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The files of an audience, as a manifest names them."""
    return [
        {"path": f"{place}/{name}", "bytes": len(content), "sha256": _sha256(content)}
        for name, content in files.items()
        if name.startswith(f"segment_{segment_id}.")
    ]


def _csv(addresses: list[str]) -> bytes:
    return "\n".join([COLUMN, *addresses, ""]).encode()


def _parquet(addresses: list[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = BytesIO()
    pq.write_table(pa.table({COLUMN: pa.array(addresses, pa.string())}), file)
    return file.getvalue()


def _forget(folder: Path, day: Path, place: Path, keep_dates: int) -> None:
    """Remove what no manifest names any more, and dates beyond those that are kept."""
    for old in day.iterdir():
        if old.is_dir() and old.name != place.name:
            _remove(old)
    dates = sorted(
        (one for one in folder.iterdir() if one.is_dir() and _is_date(one.name)), key=lambda d: d.name
    )
    for old in dates[:-keep_dates]:
        if old.name != day.name:
            _remove(old)


def forget(folder: Path, day: date) -> None:
    """Remove the export of a date that was withdrawn; no manifest names it any more."""
    if (exported := folder / f"{day}").exists():
        _remove(exported)


def _is_date(name: str) -> bool:
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def take_back(
    warehouse: db.Database, folder: Path, settings: Settings, day: date, progress: Callable[[str], None]
) -> None:
    """Let the exported audiences, where they are those of the date, be those of the date before."""
    manifest = folder / MANIFEST
    if not manifest.exists() or json.loads(manifest.read_text()).get("as_of_date") != day.isoformat():
        return
    with warehouse.connect(readonly=True) as conn:
        newest = register.newest(conn)
    if newest is None:
        manifest.unlink()
        progress("audiences: no date is published any more, so the manifest is removed")
    else:
        export(warehouse, folder, settings.audiences, progress)
    forget(folder, day)


def command() -> int:
    """Export by the connections of the deployment: the command `audiences`."""
    from segmentation import settings
    from segmentation.runs import connections
    from segmentation.warehouse import schema

    target = connections.database("warehouse")
    schema.migrate(target)
    export(target, connections.audiences(), settings.load().audiences)
    return 0
