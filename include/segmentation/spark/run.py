"""A date of a lake: rows judged, features of everybody and their clusters, as Parquet that a manifest names last.

    <out>/2011-12-01/<run>/features/*.parquet
    <out>/2011-12-01/<run>/rows/orders/*.parquet   every row of the lake with its fate: rule, is_merged
    <out>/2011-12-01/<run>/clusters/*.parquet      where a model is given
    <out>/2011-12-01/manifest.json                 the run, with its counts

Whoever begins with the manifest sees the whole of a run or the whole of the one before.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmentation.features import dictionary
from segmentation.settings import Settings
from segmentation.spark import facts, features, labels, layout

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run(
    spark: "SparkSession",
    lake: Path,
    out: Path,
    settings: Settings,
    as_of_date: date,
    run_id: str,
    model: Path | None = None,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Compute a date and write it; returns what the manifest says.

    Raises
    ------
    LakeError
        The lake is not what its manifest says, or a file of it cannot be read.
    BalanceError
        Rows in are not rows kept + merged + quarantined.
    """
    folder = out / as_of_date.isoformat() / run_id
    fates = facts.judge(spark, lake, folder / "rows", settings, as_of_date, run_id)
    for table, fate in fates.items():
        progress(_line(table, fate))
    manifest = layout.read_manifest(lake)
    listed = dictionary.available(manifest.source, manifest.lacks)
    of_everybody = features.of_date(spark, as_of_date, listed)
    of_everybody.write.parquet(str(folder / "features"))
    written = spark.read.parquet(str(folder / "features"))
    outcome = {
        "run": run_id,
        "customers": written.count(),
        "features": [feature.name for feature in listed],
        "rows": {table: asdict(fate) for table, fate in fates.items()},
    }
    progress(f"features: {outcome['customers']:,} customers")
    if model is not None:
        labels.of_everybody(spark, written, model).write.parquet(str(folder / "clusters"))
        outcome["model"] = str(model)
        progress("clusters: written")
    layout.put(folder.parent / layout.MANIFEST, (json.dumps(outcome, indent=1) + "\n").encode())
    return outcome


def _line(table: str, fate: facts.Fate) -> str:
    rules = "".join(f"; {rule}: {rows:,}" for rule, rows in fate.rules.items())
    return (
        f"{table}: {fate.rows_in:,} rows: {fate.kept:,} kept, {fate.merged:,} merged, "
        f"{fate.quarantined:,} quarantined{rules}"
    )
