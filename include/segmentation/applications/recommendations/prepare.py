"""The task of the recommendations: try the recommenders on the shop's past, fit the best, stage the lists."""

import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pandas as pd
import scipy.sparse as sp
from psycopg2 import sql

from segmentation import applications
from segmentation.applications import Progress
from segmentation.applications.recommendations import choice, gate, lists, recommenders
from segmentation.applications.recommendations.families import families
from segmentation.applications.recommendations.lists import Lists, Shelf
from segmentation.applications.recommendations.purchases import DaysBought, Purchases
from segmentation.runs.night import Night
from segmentation.warehouse import db, locks, partitions

LISTS, CUSTOMERS, PRODUCTS = (
    "customer_recommendation_lists",
    "recommendation_customers",
    "recommended_products",
)
BACKTESTS, DRAWN, SOLD = "recommendation_backtests", "recommendation_drawn", "recommendation_sold"
MOST_TRIED = 20_000  # customers of a trial, by the hash of their ids
TRIALS = 2
LEAST_HISTORY_DAYS = 30  # before a cut
MEMORY = "256MB"  # of the server, to bring a customer's purchases together


def prepare(night: Night, progress: Progress) -> dict[str, Any]:
    """Stage lists, products and backtests of the date; returns what was chosen, and counts."""
    with night.warehouse.connect() as conn:
        db.execute(conn, f"set local work_mem = '{MEMORY}'")
        customers, products, everybody = number(conn, night)
        catalogue = catalogue_of(conn, products)
        results = [
            choice.tried(recommender, trial, families_of(catalogue))
            for trial in trials(conn, night, products)
            for recommender in recommenders.candidates(night.settings.model.seed)
        ]
        chosen = choice.chosen(results)
        progress(f"recommendations: by {chosen}, of {len(catalogue)} products")
        applications.stage(conn, night, BACKTESTS, _backtests(night, results, chosen))
        staged = _stage_lists(conn, night, _lists_of_everybody(night, chosen, everybody, catalogue))
    with night.warehouse.connect() as conn:
        locks.hold(conn, locks.PUBLICATION)
        partitions.ensure(conn, "segments", LISTS, night.as_of_date)
    gate.check(night, lists=applications.staged(night, LISTS), customers=customers, products=products)
    progress(f"recommendations: lists of {staged:,} customers")
    return {"recommender": chosen, "customers": staged, "products": len(catalogue)}


class Numbered(NamedTuple):
    """Tables in which the date's customers and products have numbers, and what was bought, by them."""

    customers: str
    products: str
    purchases: Purchases


def number(conn: db.Connection, night: Night) -> Numbered:
    """Stage the numbers of the date's customers, and of the products that enough of them have bought."""
    options = night.settings.applications.recommendations
    query = db.statement("applications/recommendations/customers.sql")
    customers = applications.stage(conn, night, CUSTOMERS, query, {**night.params, "most": None})
    query = db.statement("applications/recommendations/products_sold.sql")
    sold = applications.stage(conn, night, SOLD, query, {**night.params, "days": options.days})
    bought = purchases(conn, customers, sold, night.as_of_date, options.days)
    positions = bought.most_bought(options.min_buyers, options.most_products)
    query = db.statement("applications/recommendations/recommended_products.sql", sold=sold)
    bounds = {**night.params, "unsold_days": options.unsold_days, "numbers": (positions + 1).tolist()}
    products = applications.stage(conn, night, PRODUCTS, query, bounds)
    return Numbered(customers, products, bought.of_products(positions))


def catalogue_of(conn: db.Connection, products: str) -> pd.DataFrame:
    """Name (else id), category and whether it is sold, of the products by their numbers."""
    rows = db.rows(
        conn,
        f"select coalesce(name, product_id) as name, category, is_sold from {products} order by product_number",
    )
    return pd.DataFrame(rows, columns=["name", "category", "is_sold"], dtype=object)


def families_of(catalogue: pd.DataFrame) -> lists.Positions:
    """The family of each product."""
    return families(list(catalogue["name"]), list(catalogue["category"]))


def trials(conn: db.Connection, night: Night, products: str) -> Iterator[choice.Trial]:
    """The trials that the shop's past is long enough for, the newest first; of many customers some are drawn."""
    horizon = timedelta(days=night.settings.model.horizon_days)
    first = db.scalar(conn, "select min(day) from features.customer_product_day")
    cuts = [night.as_of_date - horizon * n for n in range(1, TRIALS + 1)]
    cuts = [cut for cut in cuts if first and cut - first >= timedelta(days=LEAST_HISTORY_DAYS)]
    if not cuts or not _count(conn, products):
        return
    query = db.statement("applications/recommendations/customers.sql")
    drawn = applications.stage(conn, night, DRAWN, query, {**night.params, "most": MOST_TRIED})
    tested = 0
    for one_trial in trials_of(conn, night, drawn, products, cuts):
        tested += len(one_trial.tested)
        yield one_trial
        if tested >= choice.MOST_TESTED:
            return


def trials_of(
    conn: db.Connection, night: Night, customers: str, products: str, cuts: list[date]
) -> Iterator[choice.Trial]:
    """A trial a cut, the newest first: of what was bought before it, and from then to a horizon later."""
    horizon = timedelta(days=night.settings.model.horizon_days)
    longest = timedelta(days=night.settings.applications.recommendations.days)
    shape = _count(conn, customers), _count(conn, products)
    bought = days_bought(conn, customers, products, cuts[-1] - longest, cuts[0] + horizon, cuts[-1])
    for cut in cuts:
        before = Purchases.of_days(shape, bought.between(cut - longest, cut))
        after = Purchases.of_days(shape, bought.between(cut, cut + horizon)).bought
        yield choice.Trial(cut, cut + horizon, before, after)


def purchases(conn: db.Connection, customers: str, products: str, day: date, days: int) -> Purchases:
    """Read what the numbered customers have bought of the numbered products in the `days` before a day."""
    shape = _count(conn, customers), _count(conn, products)
    bought = days_bought(conn, customers, products, day - timedelta(days=days), day, day)
    return Purchases.of_days(shape, bought.rows)


def days_bought(
    conn: db.Connection, customers: str, products: str, since: date, until: date, known_at: date
) -> DaysBought:
    """Read the days on which they bought, from `since` to before `until`, but what was cancelled before `known_at`."""
    query = db.statement("applications/recommendations/purchases.sql", customers=customers, products=products)
    bounds = {"since": since, "until": until, "known_at": known_at}
    names = ["customer", "product", "age_days"]
    if known_at < until:
        names.append("cancelled_days")
    rows = db.read_numbers(conn, query, names, bounds, size=4)  # any order: sorted by who counts them
    return DaysBought(until, rows)


def _count(conn: db.Connection, table: str) -> int:
    return db.scalar(conn, f"select count(*) from {table}")


def _backtests(night: Night, results: list[choice.Result], chosen: str) -> pd.DataFrame:
    columns = ["as_of_date", "tested_from", "tested_until", "recommender", "customers", "hit20", "recall20"]
    rows = [
        (night.as_of_date, one.cut, one.until, one.recommender, one.customers, one.hit, one.recall)
        for one in results
        if one.customers
    ]
    frame = pd.DataFrame(rows, columns=columns).round({"hit20": 6, "recall20": 6})
    frame["is_baseline"] = frame["recommender"] == recommenders.POPULARITY
    frame["is_chosen"] = frame["recommender"] == chosen
    return frame


def _lists_of_everybody(
    night: Night, chosen: str, past_purchases: Purchases, catalogue: pd.DataFrame
) -> Iterator[Lists]:
    """The lists of everybody, by blocks."""
    if not len(catalogue):
        return iter(())
    options, seed = night.settings.applications.recommendations, night.settings.model.seed
    fitted = next(one for one in recommenders.candidates(seed) if one.name == chosen).fit(past_purchases)
    similar = reasons(fitted, past_purchases, seed)
    shelf = Shelf(catalogue["is_sold"].to_numpy(bool), families_of(catalogue))
    return lists.lists(fitted, past_purchases, shelf, similar, options.products, options.repeats)


def reasons(fitted: recommenders.Recommender, past_purchases: Purchases, seed: int) -> sp.csr_matrix:
    """The neighbours that explain what is recommended; none where popularity does it, for that is the reason."""
    if isinstance(fitted, recommenders.Popularity):
        return recommenders.empty(past_purchases.shape[1])
    if isinstance(fitted, recommenders.Neighbours):
        return fitted.similar_
    return recommenders.neighbours(past_purchases.tastes(None), seed)


def _stage_lists(conn: db.Connection, night: Night, everybody: Iterator[Lists]) -> int:
    """COPY the lists, by blocks, into their staged table; returns how many."""
    empty = (
        "select 0 as number, new_products, products, because "
        "from segments.customer_recommendation_lists limit 0"
    )
    table = applications.stage(conn, night, LISTS, empty)
    copy = sql.SQL("copy {} from stdin").format(sql.Identifier(*table.split("."))).as_string(conn)
    staged = 0
    with conn.cursor() as cursor:
        for block in everybody:
            cursor.copy_expert(copy, io.StringIO(as_text(block)), size=1 << 20)
            staged += cursor.rowcount
    db.execute(conn, f"analyze {table}")
    return staged


def as_text(block: Lists) -> str:
    """The rows of a block as COPY reads them: number, new products, and the two arrays, without gaps."""
    lengths = (block.products != lists.NONE).sum(axis=1)
    numbers = range(block.first + 1, block.first + 1 + len(lengths))
    columns = (
        numbers,
        block.new.tolist(),
        lengths.tolist(),
        (block.products + 1).tolist(),
        (block.because + 1).tolist(),
    )
    lines = [
        f"{number}\t{new}\t{products[:length]}\t{because[:length]}\n"
        for number, new, length, products, because in zip(*columns, strict=True)
        if length
    ]
    return "".join(lines).replace("[", "{").replace("]", "}")
