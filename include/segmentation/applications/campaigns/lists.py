"""Lists as files, CSV and Parquet, with a manifest that is written last: of a campaign, and of everybody.

    <folder>/campaigns/<campaign>/<checksum>/treated_addresses.csv ...    one campaign
    <folder>/lists/newest/<checksum>/customers.csv ...                    everybody, with what has changed
    .../manifest.json                                                     what the export is made of

Who begins with the manifest never sees half of an export.
"""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.applications.campaigns import groups, telling
from segmentation.applications.folders import MANIFEST, WITHHELD, put, remove, sha256
from segmentation.errors import SettingsError
from segmentation.runs import register
from segmentation.settings import Settings
from segmentation.warehouse import db

if TYPE_CHECKING:
    import pandas as pd

CAMPAIGNS, EVERYBODY = "campaigns", "lists/newest"
ID, ADDRESS = "customer_id", "email_sha256"
SEED_DECILE = 0.1
Tables = dict[str, "pd.DataFrame"]


def of_campaign(
    warehouse: db.Database,
    folder: Path,
    settings: Settings,
    campaign_id: str,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Export a campaign: whom to write to, and whom to leave out; returns the manifest.

    How small an effect it can see is said first. An address that belongs to customers of both groups is left
    out of those to write to.

    Raises
    ------
    SettingsError
        When there is no such campaign, it was cancelled, or it is over.
    """
    with warehouse.connect() as conn:
        campaign = groups.find(conn, campaign_id)
        if campaign is None:
            raise groups.unknown(conn, campaign_id)
        _refuse_ended(conn, campaign)
        for line in telling.sight(campaign, settings.applications.campaigns.max_detectable_share):
            progress(f"campaigns: {line}")
        params = {"campaign_id": campaign_id, "needs_consent": settings.audiences.needs_consent}
        members = _read(
            conn, "applications/campaigns/members.sql", params, [ID, "segment_id", "arm", ADDRESS]
        )
        query = "update segments.campaigns set exported_at = clock_timestamp() where campaign_id = %(campaign_id)s"
        db.execute(conn, query, params)
    facts = {
        **{
            name: str(campaign[name])
            for name in ("campaign_id", "name", "starts_on", "ends_on", "as_of_date")
        },
        **{name: campaign[name] for name in ("held_out", "treated", "control")},
        **{name: campaign[name] for name in ("detectable_revenue", "detectable_share", "detectable_buyers")},
    }
    manifest = write(
        folder / CAMPAIGNS / campaign_id, _of_members(members), facts, settings.audiences.min_customers
    )
    progress(f"campaigns: {campaign_id} exported to {folder / CAMPAIGNS / campaign_id}")
    return manifest


def _refuse_ended(conn: db.Connection, campaign: dict[str, Any]) -> None:
    newest = register.newest(conn)
    if campaign["cancelled_at"]:
        raise SettingsError(f"campaign {campaign['campaign_id']} was cancelled: nothing is exported")
    if newest and newest > campaign["ends_on"]:
        raise SettingsError(
            f"campaign {campaign['campaign_id']} was over on {campaign['ends_on']}: nothing is exported"
        )


def _of_members(members: "pd.DataFrame") -> Tables:
    """Customers and addresses of both groups; the addresses of the control group are an exclusion list."""
    arms = {arm: members[members["arm"] == arm] for arm in ("treated", "control")}
    addresses = {arm: set(part[ADDRESS]) - {""} for arm, part in arms.items()}
    addresses["treated"] -= addresses["control"]
    tables: Tables = {}
    for arm, part in arms.items():
        tables[f"{arm}_customers"] = part[[ID, "segment_id"]]
        tables[f"{arm}_addresses"] = _column(addresses[arm])
    return tables


def of_everybody(
    warehouse: db.Database, folder: Path, settings: Settings, progress: Callable[[str], None] = print
) -> dict[str, Any]:
    """Export the newest date for a CRM: customers, what has changed since the last export, exclusions, seeds.

    Changes are those against the list that was exported before, whatever has become of its date since. Who is
    in the control group of a campaign that is not over is in the exclusions; seeds of look-alikes are the
    addresses of the tenth with the highest expected spend.

    Raises
    ------
    SettingsError
        When nothing was published yet.
    """
    import pandas as pd

    place = folder / EVERYBODY
    with warehouse.connect(readonly=True) as conn:
        day = register.newest(conn)
        if day is None:
            raise SettingsError("there are no lists to export: nothing was published yet")
        predictor = groups.covariate(conn, day)
        params = {"as_of_date": day, "needs_consent": settings.audiences.needs_consent, "share": SEED_DECILE}
        customers = _read(conn, "applications/campaigns/customers.sql", params, [ID, "segment_id", "name"])
        left_out = _read(conn, "applications/campaigns/left_out.sql", params, [ID, ADDRESS])
        identifiers = {"known": predictor.relation, "column": predictor.column}
        seeds = _read(conn, "applications/campaigns/seeds.sql", params, [ADDRESS], **identifiers)
    before = _before(place)
    tables: Tables = {"customers": customers}
    if before is not None:
        tables["changes"] = changes(before, customers)
    tables["left_out_customers"] = pd.DataFrame({ID: sorted(set(left_out[ID]))})
    tables["left_out_addresses"] = _column(set(left_out[ADDRESS]) - {""})
    tables["lookalike_seeds"] = _column(set(seeds[ADDRESS]) - set(left_out[ADDRESS]))
    facts = {"as_of_date": f"{day}", "seeds_by": predictor.name}
    manifest = write(place, tables, facts, settings.audiences.min_customers)
    progress(f"lists: {len(customers):,} customers of {day} to {place}")
    return manifest


def take_back(
    warehouse: db.Database,
    folder: Path,
    settings: Settings,
    day: date,
    progress: Callable[[str], None] = print,
) -> None:
    """Let the exported lists, where they are those of a date that was withdrawn, be those of the date before."""
    place = folder / EVERYBODY
    if (
        not (place / MANIFEST).exists()
        or json.loads((place / MANIFEST).read_text())["as_of_date"] != f"{day}"
    ):
        return
    with warehouse.connect(readonly=True) as conn:
        newest = register.newest(conn)
    if newest is None:
        remove(place)
        progress("lists: no date is published any more, so they are removed")
    else:
        of_everybody(warehouse, folder, settings, progress)


def changes(before: "pd.DataFrame", now: "pd.DataFrame") -> "pd.DataFrame":
    """Customers who entered, left or moved from one list to the next: customer_id, change, from and to segment."""
    both = before[[ID, "segment_id"]].merge(
        now[[ID, "segment_id"]], on=ID, how="outer", suffixes=("_from", "_to"), indicator=True
    )
    both = both[both["segment_id_from"] != both["segment_id_to"]].sort_values(ID)
    change = both["_merge"].astype(str).map({"left_only": "left", "right_only": "entered", "both": "moved"})
    return both.assign(change=change).fillna("")[[ID, "change", "segment_id_from", "segment_id_to"]]


def _before(place: Path) -> "pd.DataFrame | None":
    """The customers of the last export, as it is on the disk."""
    if not (place / MANIFEST).exists():
        return None
    manifest = json.loads((place / MANIFEST).read_text())
    paths = [file["path"] for file in manifest["files"] if file["path"].endswith("/customers.csv")]
    return _parsed((place / paths[0]).read_bytes()) if paths else None


def _column(addresses: Iterable[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({ADDRESS: sorted(addresses)}, dtype=str)


def _read(
    conn: db.Connection, file: str, params: dict[str, Any], columns: list[str], **identifiers: str
) -> "pd.DataFrame":
    """All columns as text; what is null is empty."""
    kinds = dict.fromkeys(columns, "text")
    # any order: each file says its own
    return db.read_frame(conn, db.statement(file, **identifiers), params, kinds).fillna("")


def write(folder: Path, tables: Tables, facts: dict[str, Any], least: int) -> dict[str, Any]:
    """Write tables as CSV and Parquet, then the manifest, and remove the export before; returns the manifest.

    Hashed addresses of fewer than `least` customers are withheld.
    """
    withheld = [
        name for name, table in tables.items() if list(table.columns) == [ADDRESS] and len(table) < least
    ]
    contents = {
        f"{name}.{kind}": content
        for name, table in tables.items()
        if name not in withheld
        for kind, content in (("csv", _csv(table)), ("parquet", _parquet(table)))
    }
    place = folder / sha256("".join(map(sha256, contents.values())).encode())[:12]
    place.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        put(place / name, content)
    manifest = {
        **facts,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "min_customers": least,
        "files": [
            {
                "path": f"{place.name}/{name}",
                "rows": len(tables[name.rsplit(".", 1)[0]]),
                "bytes": len(content),
                "sha256": sha256(content),
            }
            for name, content in contents.items()
        ],
        "withheld": dict.fromkeys(withheld, WITHHELD),
    }
    put(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")
    for old in [one for one in folder.iterdir() if one.is_dir() and one.name != place.name]:
        remove(old)
    return manifest


def _csv(table: "pd.DataFrame") -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _parquet(table: "pd.DataFrame") -> bytes:
    sink = BytesIO()
    table.astype(str).to_parquet(sink, index=False)
    return sink.getvalue()


def _parsed(content: bytes) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)


def forget(folder: Path, ids: set[str], addresses: set[str]) -> list[Path]:
    """Take customers out of every export that is kept; returns the folders that are written anew."""
    folders = []
    for manifest_file in sorted(folder.glob(f"*/*/{MANIFEST}"), key=str) if folder.exists() else []:
        manifest = json.loads(manifest_file.read_text())
        if "files" not in manifest:
            continue
        tables = {
            file["path"].rsplit("/", 1)[1].removesuffix(".csv"): _parsed(
                (manifest_file.parent / file["path"]).read_bytes()
            )
            for file in manifest["files"]
            if file["path"].endswith(".csv")
        }
        remaining = {name: _without(table, ids, addresses) for name, table in tables.items()}
        if any(len(remaining[name]) < len(tables[name]) for name in tables):
            written_anew = ("exported_at", "min_customers", "files", "withheld")
            facts = {name: value for name, value in manifest.items() if name not in written_anew}
            write(manifest_file.parent, remaining, facts, manifest["min_customers"])
            folders.append(manifest_file.parent)
    return folders


def _without(table: "pd.DataFrame", ids: set[str], addresses: set[str]) -> "pd.DataFrame":
    for column, gone in ((ID, ids), (ADDRESS, addresses)):
        if column in table:
            table = table[~table[column].isin(gone)]
    return table
