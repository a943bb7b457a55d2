"""Reading of prices, cuts and purchases of a date into arrays: lines without who bought, and counts by group."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from segmentation.applications.prices import cuts
from segmentation.applications.prices.response import Purchases
from segmentation.runs.night import Night
from segmentation.warehouse import db

FOLDER = "applications/prices"
GROUPINGS = ("tenure", "value", "segment")
MAX_PRODUCTS = 400  # those with most lines in the weeks of their cuts; more tell nothing more
SAME_CUSTOMERS = 50  # purchases of the whole shop by which the shares of a small category are steadied
TO_LEAVE_OUT = 1e-9
LINE = {"product_id": "text", "week": "number", "price": "number"}
COUNTED = {
    **dict.fromkeys(("kind", "grouping_name", "level", "name", "category"), "text"),
    **dict.fromkeys(("week", "customers", "lines"), "number"),
}


@dataclass(frozen=True)
class Window:
    """Whole weeks before a date: from Monday `first` to Monday `end` (exclusive)."""

    first: date
    end: date

    @classmethod
    def before(cls, day: date, weeks: int) -> "Window":
        """The last `weeks` weeks that were over on a date."""
        end = day - timedelta(days=day.weekday())
        return cls(end - timedelta(weeks=weeks), end)

    @property
    def weeks(self) -> int:
        """Number of weeks."""
        return (self.end - self.first).days // 7


@dataclass(frozen=True)
class Grouping:
    """The purchases of the levels of a grouping; `customers` of each level bought something in the weeks."""

    name: str
    levels: tuple[str, ...]
    purchases: Purchases


def members_on(conn: db.Connection, night: Night) -> date | None:
    """The published date by whose segments purchases are told apart: so early that it knew none of them."""
    latest = night.as_of_date - timedelta(weeks=night.settings.applications.prices.membership_weeks)
    query = """
        select max(as_of_date) from segments.runs
        where status = 'published' and dropped_at is null and as_of_date <= %(latest)s
    """
    published_on: date | None = db.scalar(conn, query, {"latest": latest})
    return published_on


def find_cuts(conn: db.Connection, night: Night, window: Window) -> pd.DataFrame:
    """The cuts of the weeks: `product_id, week, depth, lines`, in order."""
    params = {"first": window.first, "end": window.end, "sample": _thousandths(conn, night)}
    query = db.statement(f"{FOLDER}/lines.sql")
    lines = cuts.Lines.of(db.read_frame(conn, query, params, LINE), window.weeks)  # any order: sorted there
    least = night.settings.applications.prices.min_cut
    candidates = cuts.candidates(cuts.Prices.of(lines.by_week(), window.weeks), least)
    if candidates.empty:
        return candidates.assign(lines=0)
    counted = lines.around(
        candidates.assign(threshold=candidates["usual_price"] * (1 - least) + TO_LEAVE_OUT)
    )
    significant = counted[cuts.beyond_chance(counted)]
    return _most_bought(significant)[["product_id", "week", "depth", "lines"]].reset_index(drop=True)


def _most_bought(cut_weeks: pd.DataFrame) -> pd.DataFrame:
    lines = cut_weeks.groupby("product_id")["lines"].sum().reset_index()
    most = lines.sort_values(["lines", "product_id"], ascending=[False, True])["product_id"][:MAX_PRODUCTS]
    return cut_weeks[cut_weeks["product_id"].isin(most)].sort_values(["product_id", "week"])


def groupings(
    conn: db.Connection, night: Night, window: Window, cut_weeks: pd.DataFrame, members: date | None
) -> list[Grouping]:
    """The purchases by each grouping, from the cuts that were found."""
    params = {
        "as_of_date": night.as_of_date,
        "first": window.first,
        "end": window.end,
        "new_days": night.settings.lifecycle.new_tenure_days,
        "sample": _thousandths(conn, night),
        "members_on": members,
    }
    db.run_file(conn, f"{FOLDER}/purchases.sql", params)
    db.execute(conn, "create temp table price_cuts (product_id text, week integer) on commit drop")
    db.copy_frame(conn, cut_weeks[["product_id", "week"]], ("pg_temp", "price_cuts"))
    # any order: that of the query
    counted = db.read_frame(conn, db.statement(f"{FOLDER}/buyers.sql"), {}, COUNTED)
    return [
        Grouping(name, *_arrays(part, cut_weeks, window.weeks))
        for name in GROUPINGS
        if not (part := counted[counted["grouping_name"] == name]).empty
    ]


def _thousandths(conn: db.Connection, night: Night) -> int:
    """Customers of 1,000 who take part: enough of a large shop, all of a small one."""
    query = "select count(*) from features.customer_features where as_of_date = %(as_of_date)s"
    customers = db.scalar(conn, query, night.params)
    return int(min(1000, max(1, 1000 * night.settings.applications.prices.customers // max(customers, 1))))


def _arrays(part: pd.DataFrame, cut_weeks: pd.DataFrame, weeks: int) -> tuple[tuple[str, ...], Purchases]:
    """The levels in order, and buyers, cuts and shares of the products that were cut."""
    levels, products = (pd.Index(np.unique(column)) for column in (part["level"], cut_weeks["product_id"]))
    buyers, bought = part[part["kind"] == "buyers"], part[part["kind"] == "purchases"]
    categories = pd.Index(np.unique(bought["name"]))

    def dense(rows: pd.DataFrame, names: pd.Index, value: str) -> Any:
        array = np.zeros((len(names), weeks, len(levels)))
        at = (
            names.get_indexer(pd.Index(rows["name"])),
            rows["week"].to_numpy(dtype=int),
            levels.get_indexer(pd.Index(rows["level"])),
        )
        array[at] = rows[value].astype(float)
        return array

    of_category = dense(bought, categories, "lines")
    category = buyers.drop_duplicates("name").set_index("name")["category"].reindex(products).fillna("")
    is_cut = np.zeros((len(products), weeks), dtype=bool)
    is_cut[products.get_indexer(cut_weeks["product_id"]), cut_weeks["week"]] = True
    return tuple(levels), Purchases(
        buyers=dense(buyers, products, "customers"),
        is_cut=is_cut,
        share=_shares(
            of_category, categories.get_indexer(pd.Index(category)), dense(buyers, products, "lines")
        ),
    )


def _shares(of_category: Any, category: Any, own: Any) -> Any:
    """Share of each level in a week's purchases of a category but the product, drawn to that of the shop."""
    shop = of_category.sum(axis=0)
    shop = shop / np.maximum(shop.sum(axis=1, keepdims=True), 1)
    others = of_category[np.maximum(category, 0)] * (category >= 0)[:, None, None] - own
    others = np.maximum(others, 0)
    return (others + SAME_CUSTOMERS * shop) / (others.sum(axis=2, keepdims=True) + SAME_CUSTOMERS)
