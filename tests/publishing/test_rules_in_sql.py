"""The rules in the database: the same as in Python, for customers of the date and for who came after it."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import psycopg2
import psycopg2.errors
import pytest

from segmentation.applications import audiences
from segmentation.features import checkpoints, dictionary, table
from segmentation.modelling import natural
from segmentation.publishing import publish as publishing
from segmentation.report import data
from segmentation.runs import register
from segmentation.runs.night import Night
from segmentation.segments import chosen as chosen_
from segmentation.segments import explain, profiles
from segmentation.selection import describe, inputs
from segmentation.warehouse import db
from tests.publishing.test_publish import chosen
from tests.small_shop import SmallShop, make_source, select, silent

AS_OF = date(2024, 7, 1)
CUSTOMERS = 90
BOUGHT = "segments/bought.sql"


def rows_of_a_shop() -> dict[str, list[dict]]:
    """Half a year of a shop in which everything happens: returns, cancellations, visits, reviews."""
    numbers = np.random.default_rng(11)
    tables: dict[str, list[dict]] = {
        t: [] for t in ("customers", "orders", "order_items", "events", "reviews")
    }
    for n in range(CUSTOMERS):
        customer = f"c{n:03}"
        kind = n % 3  # 0 buys often and a lot, 1 seldom, 2 long ago
        born = None if n % 7 == 0 else 1950 + n % 50
        tables["customers"].append(
            {
                "customer_id": customer,
                "signed_up_at": "2023-12-01",
                "birth_year": born,
                "updated_at": "2023-12-01",
            }
        )
        for k in range((9, 3, 2)[kind]):
            day = date(2024, 6, 30) - timedelta(days=int(numbers.integers(0, 60) + (0, 30, 100)[kind]))
            at = f"{day} {numbers.integers(0, 24):02}:30+01"
            order = f"o{n}-{k}"
            is_cancelled = numbers.random() < 0.1 and k > 0
            tables["orders"].append(
                {
                    "order_id": order,
                    "customer_id": customer,
                    "ordered_at": at,
                    "status": "cancelled" if is_cancelled else "completed",
                    "cancelled_at": f"{day + timedelta(days=1)} 09:00+01" if is_cancelled else None,
                    "channel": ("web", "shop")[int(numbers.integers(2))],
                    "currency": "EUR",
                    "updated_at": at,
                }
            )
            for line in range(1, int(numbers.integers(1, 5)) + 1):
                product = int(numbers.integers(12)) + 12 * kind
                tables["order_items"].append(
                    {
                        "order_id": order,
                        "line_no": line,
                        "product_id": f"p{product:02}",
                        "category": None if product % 5 == 0 else f"k{product % 4}",
                        "quantity": -1
                        if line > 1 and numbers.random() < 0.1
                        else int(numbers.integers(1, 4)),
                        "unit_price": round(float(numbers.uniform(5, 60)), 2),
                        "discount": 2.5 if line > 1 and numbers.random() < 0.3 else 0,
                        "ordered_at": at,
                    }
                )
            if numbers.random() < 0.6:
                tables["events"].append(
                    {
                        "event_id": f"e{n}-{k}",
                        "customer_id": customer,
                        "session_id": f"s{n}-{k}",
                        "occurred_at": at,
                        "event_type": ("view", "cart")[k % 2],
                        "product_id": "p01",
                        "duration_seconds": 30 + k,
                    }
                )
            if numbers.random() < 0.3:
                tables["reviews"].append(
                    {
                        "review_id": f"r{n}-{k}",
                        "customer_id": customer,
                        "product_id": "p01",
                        "reviewed_at": at,
                        "rating": int(numbers.integers(1, 6)),
                        "body": "so so",
                    }
                )
    # one order on the last day: the day after it is the as-of date
    tables["orders"][0] |= {"ordered_at": "2024-06-30 12:00+01", "cancelled_at": None, "status": "completed"}
    for item in tables["order_items"]:
        if item["order_id"] == "o0-0":
            item["ordered_at"] = "2024-06-30 12:00+01"
    return tables


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patched:
        yield patched


@pytest.fixture(scope="module")
def night_once(new_database, migrated, drop_database, tmp_path_factory, patch) -> SmallShop:
    """A night whose clusters are the three kinds, a tenth of the customers put wrong; with their rules."""
    make_source(
        patch,
        tmp_path_factory.mktemp("source"),
        {t: select(t) for t in ("customers", "orders", "order_items", "events", "reviews")},
    )
    shop = SmallShop(new_database(), new_database(migrated), tmp_path_factory.mktemp("store"))
    shop.settings = shop.settings.model_copy(
        update={
            "products": shop.settings.products.model_copy(
                update={"most": 3, "min_support": 0, "min_lift": 1}
            ),
            "privacy": shop.settings.privacy.model_copy(update={"min_customers": 1}),
        }
    )
    shop.create()
    shop.add(**rows_of_a_shop())
    publish(shop, AS_OF)
    yield shop
    for database in (shop.shop, shop.warehouse):
        drop_database(database)


@pytest.fixture
def published(night_once, new_database, drop_database) -> SmallShop:
    """The same, for one test that may change it."""
    copies = [new_database(one.params["dbname"]) for one in (night_once.shop, night_once.warehouse)]
    shop = SmallShop(*copies, night_once.store)
    shop.settings = night_once.settings
    yield shop
    for database in copies:
        drop_database(database)


def publish(shop: SmallShop, day: date, *numbers: int) -> None:
    """A night with the planted clusters, under other numbers where they are given."""
    run_id = register.start(shop.warehouse, shop.settings, day, f"planted {day}")
    night = Night(run_id, day, shop.settings, shop.shop, shop.warehouse, shop.store)
    shop.ingest(night)
    table.build(night, silent)
    known = dictionary.available(shop.settings.shop.source)
    with shop.warehouse.connect(readonly=True) as conn:
        frame = table.read(conn, day, known)
    customer = frame.index.str[1:].astype(int)
    kinds = np.where(customer % 10 == 9, (customer + 1) % 3, customer % 3)
    clusters = pd.Series(np.array(numbers or (0, 1, 2))[kinds], index=frame.index)
    rules = explain.explain(frame, clusters, known, seed=1)
    night.folder.mkdir(parents=True)
    handed = chosen_.Chosen(
        "new", "planted", None,
        describe.segments(night.settings, inputs.Inputs.of(night), clusters, rules),
        profiles.profiles(frame, clusters, known),
        chosen(dict.fromkeys(frame.index, 0), frame["spend_365d"].to_dict()).leaderboard,
        rules.fidelity,
    )  # fmt: skip
    handed.write(night)
    assignment = pd.DataFrame(
        {
            "customer_id": clusters.index,
            "cluster": clusters.to_numpy(),
            "confidence": 0.5,
            "is_outlier": False,
        }
    )
    publishing.stage_assignments(night, assignment)
    publishing.publish(night, chosen_.Chosen.read(night), silent)


def see(shop: SmallShop, query: str, **params) -> list[tuple]:
    with shop.warehouse.connect() as conn, conn.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchall()


def test_the_view_is_as_faithful_as_was_measured(published):
    (fidelity,) = see(published, "select rule_fidelity from segments.runs")[0]
    assert 0.75 < fidelity < 1
    found = see(
        published,
        "select round(avg((r.segment_id = c.segment_id)::integer), 6)::float8, count(*) "
        "from segments.assign_by_rule as r inner join segments.current_customer_segments as c using "
        "(customer_id)",
    )
    assert found == [(fidelity, CUSTOMERS)]
    assert see(published, "select distinct is_new, as_of_date from segments.assign_by_rule") == [
        (False, AS_OF)
    ]


def test_each_rule_describes_in_the_database_whom_it_was_said_to(published):
    for segment, condition, customers, precision, recall in see(
        published,
        "select segment_id, condition, customers, rule_precision, rule_recall from segments.segment_rules",
    ):
        found = see(
            published,
            "select count(*), round(avg((c.segment_id = %(s)s)::integer), 6)::float8, "
            "round(count(*) filter (where c.segment_id = %(s)s)::numeric "
            "/ (select count(*) from segments.customer_segments where segment_id = %(s)s), 6)::float8 "
            "from features.customer_features as f inner join segments.customer_segments as c using "
            "(customer_id) "
            f"where {condition}",
            s=segment,
        )
        assert found == [(customers, precision, recall)]


def test_features_of_now_are_those_of_the_night(published):
    """Every feature, every customer, to the last bit: both are made of one definition."""
    rows = see(
        published,
        "select to_jsonb(f) - 'as_of_date' - 'customer_id' - 'gender' - 'country', "
        "features.live(f.customer_id, f.as_of_date) from features.customer_features as f order by "
        "customer_id",
    )
    numbers = [f.name for f in dictionary.dictionary() if f.transform != "category"]
    known = 0
    for kept, live in rows:
        for name in numbers:
            assert live[name] == kept[name], name
            known += kept[name] is not None
    assert len(rows) == CUSTOMERS
    assert known > 0.8 * len(rows) * len(numbers)


def test_who_comes_after_the_night_has_a_segment_at_once(published):
    before = dict(see(published, "select customer_id, segment_id from segments.assign_by_rule"))
    with published.warehouse.connect() as conn:
        # three of ten are not in what was published, and one has not ordered yet
        db.execute(
            conn, "delete from segments.customer_segments where right(customer_id, 1) in ('1', '3', '5')"
        )
        db.execute(
            conn,
            "insert into core.customers (customer_id, valid_from, signed_up_on) values ('zz', "
            "'2024-06-30', '2024-06-30')",
        )
        rows = db.rows(conn, "select customer_id, segment_id, name, is_new from segments.assign_by_rule")
        assert {row["customer_id"]: row["segment_id"] for row in rows} == before
        assert {row["customer_id"][-1] for row in rows if row["is_new"]} == {"1", "3", "5"}
        assert all(row["name"] for row in rows)
        # one customer more, created this minute
        db.execute(
            conn,
            "insert into core.orders (order_id, customer_id, day, ordered_at, local_hour) values "
            "('new', 'zz', '2024-07-01', '2024-07-01 10:00+01', 10); "
            "insert into core.order_items values ('new', 1, 'zz', '2024-07-01', 'p01', 'k1', false, 1, "
            "20, 0, 2000)",
        )
        found = db.row(
            conn, "select segment_id, is_new from segments.assign_by_rule where customer_id = 'zz'"
        )
        assert found["is_new"]
        assert found["segment_id"] in set(before.values())
        conn.rollback()


def test_anybody_has_a_segment_by_what_is_known_of_them(published):
    rows = see(
        published,
        "select r.segment_id, segments.segment_by_rule(to_jsonb(f)) from segments.assign_by_rule as r "
        "inner join features.customer_features as f using (customer_id)",
    )
    assert all(by_view == by_function for by_view, by_function in rows)
    (segment,) = see(published, "select segments.segment_by_rule('{}')")[0]
    assert segment is not None


def test_a_name_by_a_person_is_seen_at_once_and_stays(published):
    with published.warehouse.connect() as conn:
        db.execute(
            conn, "insert into segments.segment_name_overrides (segment_id, name) values (1, 'Regulars')"
        )
        for view in ("current_customer_segments", "assign_by_rule"):
            query = f"select distinct name from segments.{view} where segment_id = 1"
            assert db.scalar(conn, query) == "Regulars"
        conn.rollback()


def names_of(conn: db.Connection, segment_id: int) -> set[str]:
    """Name of a segment of the date in each relation and reader."""
    asked = {"id": segment_id, "between": [AS_OF]}
    queries = (
        "select name from segments.segment_versions where segment_id = %(id)s",
        "select name from segments.current_customer_segments where segment_id = %(id)s",
        "select name from segments.assign_by_rule where segment_id = %(id)s",
        f"select name from ({db.statement('ui/names.sql')}) as n where segment_id = %(id)s",
    )
    found = {row["name"] for query in queries for row in db.rows(conn, query, asked)}
    run = register.published(conn, AS_OF)
    found |= {s.name for s in data.read_segments(conn, run) if s.segment_id == segment_id}
    return found | {row["name"] for row in audiences._segments(conn, run) if row["segment_id"] == segment_id}


def test_a_name_by_a_person_is_the_same_in_every_relation_until_it_is_taken_back(published):
    given = "insert into segments.segment_name_overrides (segment_id, name, description) values (%s, %s, %s)"
    described = "select distinct description from segments.segment_versions where segment_id = 1"
    with published.warehouse.connect() as conn:
        ((generated,), (second,)) = (names_of(conn, segment) for segment in (1, 2))
        before = db.scalar(conn, described)
        with conn.cursor() as cursor:
            cursor.execute("set constraints all immediate")  # and not when the transaction ends
            cursor.execute(given, (1, "Regulars", "who come every week"))
            assert names_of(conn, 1) == {"Regulars"}
            assert db.scalar(conn, described) == "who come every week"
            # a name that another segment has by chance: a name is unique on its date
            cursor.execute(
                "update segments.segment_name_overrides set name = %s, description = null", (second,)
            )
            assert names_of(conn, 1) == {second}
            assert names_of(conn, 2) == {f"{second} 2"}
            assert db.scalar(conn, described) == before
            cursor.execute("delete from segments.segment_name_overrides")
        assert names_of(conn, 1) == {generated}
        conn.rollback()


# --- what else is published of a night ---------------------------------------------------------------------


def test_products_are_what_a_segment_buys_more_than_the_others(published):
    found = pd.DataFrame(
        see(
            published,
            "select segment_id, product_id, customers, support, support_others, lift, rank from "
            "segments.segment_products",
        ),
        columns=["segment", "product", "customers", "support", "others", "lift", "rank"],
    )
    with published.warehouse.connect(readonly=True) as conn:
        lines = pd.DataFrame(
            db.rows(
                conn,
                "select distinct i.customer_id, i.product_id, c.segment_id from core.order_items as i "
                "inner join core.orders as o using (order_id) inner join segments.customer_segments as c "
                "on i.customer_id = c.customer_id where i.quantity > 0 and o.cancelled_on is null",
            )
        )
        sizes = dict(see(published, "select segment_id, count(*) from segments.customer_segments group by 1"))
    buyers = lines.groupby(["segment_id", "product_id"]).size()
    everybody = lines.groupby("product_id").size()
    score = {}
    for (segment, product), n in buyers.items():
        support, of_all = n / sizes[segment], everybody[product] / CUSTOMERS
        others = (everybody[product] - n) / (CUSTOMERS - sizes[segment])
        if n >= 5 and support > of_all:
            score.setdefault(segment, {})[product] = (
                support * np.log(support / of_all),
                support,
                others,
                support / of_all,
            )
    assert len(found) >= 3 * len(score)
    for segment, products in score.items():
        own = found[found["segment"] == segment].set_index("product")
        third = sorted((s[0] for s in products.values()), reverse=True)[2]
        assert set(own.index) == {p for p, s in products.items() if s[0] >= third - 1e-12}
        for product, row in own.iterrows():
            _, support, others, lift = products[product]
            assert row[["support", "others", "lift"]].tolist() == pytest.approx(
                [support, others, lift], abs=1e-6
            )
            assert row["rank"] == 1 + sum(s[0] > products[product][0] + 1e-12 for s in products.values())


# the published date as a staged one
BY_SEGMENT = "(select customer_id, segment_id as cluster from segments.customer_segments)"
UNBOUND = {"min_support": 0, "min_lift": 1}


def products_by(bought: str) -> str:
    """The statement that counts products, by one that says who bought what."""
    return db.statement("segments/segment_products.sql", assignments=BY_SEGMENT, bought=db.statement(bought))


def test_products_are_the_same_by_all_lines_and_as_they_are_carried(published):
    of = {"as_of_date": AS_OF, "days": 365, "most": 1000, "min_customers": 1, **UNBOUND}
    with published.warehouse.connect() as conn:
        of["slot"] = db.scalar(conn, db.statement("segments/slot.sql"), of)
        by_lines, carried = (
            db.rows(conn, products_by(bought), of) for bought in (BOUGHT, "segments/bought_in_a_year.sql")
        )
        conn.rollback()
        assert checkpoints.at(conn, AS_OF).slot == of["slot"]
    assert len(by_lines) > 10
    assert carried == by_lines


def test_what_hardly_anybody_buys_or_hardly_more_than_others_is_not_told(published):
    of = {"as_of_date": AS_OF, "days": 365, "most": 1000, "min_customers": 1}

    def told(conn, **bounds):
        query = products_by(BOUGHT)
        return {(row["cluster"], row["product_id"]): row for row in db.rows(conn, query, {**of, **bounds})}

    with published.warehouse.connect() as conn:
        everything = told(conn, **UNBOUND)
        kept = told(conn, min_support=0.3, min_lift=1.3)
        conn.rollback()
    assert 0 < len(kept) < len(everything)
    assert kept.keys() == {
        key for key, row in everything.items() if row["support"] >= 0.3 and row["lift"] >= Decimal("1.3")
    }


def test_products_have_the_name_and_category_that_the_catalogue_had_on_the_date(published):
    of = {"as_of_date": AS_OF, "days": 365, "most": 3, "min_customers": 1, **UNBOUND}
    with published.warehouse.connect() as conn:
        query = products_by(BOUGHT)
        first, second = (row["product_id"] for row in db.rows(conn, query, of)[:2])
        db.execute(
            conn,
            "insert into core.products (product_id, valid_from, valid_to, name, category, is_available) values "
            "(%(p)s, '-infinity', %(d)s::date - 1, 'Old', 'old', true), "
            "(%(p)s, %(d)s::date - 1, 'infinity', 'New', 'new', true)",
            {"p": first, "d": AS_OF},
        )
        found = {row["product_id"]: (row["name"], row["category"]) for row in db.rows(conn, query, of)}
        conn.rollback()
    assert found[first] == ("New", "new")
    assert found[second][0] is None


def test_products_that_are_equals_share_a_rank_and_none_is_cut_off(published):
    with published.warehouse.connect() as conn:
        # everybody of the first segment has bought five new products, all of them alike
        db.execute(
            conn,
            "insert into features.customer_product_day (customer_id, day, product_id, lines) "
            "select distinct on (o.customer_id, n) o.customer_id, o.day, 'q' || n, 1 from core.orders as o "
            "inner join segments.customer_segments as c on o.customer_id = c.customer_id and segment_id = 1 "
            "cross join generate_series(1, 5) as n where o.cancelled_on is null order by 1, n, o.day",
        )
        told = {"as_of_date": AS_OF, "days": 365, "most": 3, "min_customers": 5, **UNBOUND}
        rows = db.rows(conn, products_by(BOUGHT), told)
        found = {(row["product_id"], row["rank"]) for row in rows if row["cluster"] == 1}
        assert found == {(f"q{n}", 1) for n in range(1, 6)}
        conn.rollback()


def test_habits_are_shares_of_the_orders_of_a_segment(published):
    rows = see(
        published,
        "select habit, segment_id, count(*), sum(orders), sum(share), sum(share_all) from "
        "segments.segment_habits "
        "group by 1, 2",
    )
    assert {row[0] for row in rows} == {"hour", "weekday", "channel"}
    orders = dict(
        see(
            published,
            "select c.segment_id, count(*) from core.orders as o "
            "inner join segments.customer_segments as c using (customer_id) where cancelled_on is null "
            "group by 1",
        )
    )
    for habit, segment, _, counted, share, _ in rows:
        assert counted == orders[segment], habit
        assert share == pytest.approx(1, abs=1e-4)
    hours = see(
        published, "select distinct value from segments.segment_habits where habit = 'hour' order by 1"
    )
    assert all(len(value) == 2 and 0 <= int(value) <= 23 for (value,) in hours)


def test_a_shop_that_knows_days_only_has_no_habits_by_hour(published):
    with published.warehouse.connect() as conn:
        db.execute(conn, "update core.orders set local_hour = 0")
        told = {"as_of_date": AS_OF, "days": 365, "min_customers": 1}
        rows = db.rows(conn, db.statement("segments/segment_habits.sql", assignments=BY_SEGMENT), told)
        assert {row["habit"] for row in rows} == {"channel", "weekday"}
        conn.rollback()


def test_nothing_is_told_of_what_a_few_customers_buy_or_do(published):
    """As many orders as you like may be one customer's."""
    of = {"as_of_date": AS_OF, "days": 365, "most": 1000, **UNBOUND}
    with published.warehouse.connect() as conn:
        everything, told = (
            {
                (table, row["cluster"], row.get("habit"), row.get("value") or row["product_id"])
                for table in ("habits", "products")
                for row in db.rows(
                    conn,
                    db.statement(
                        f"segments/segment_{table}.sql", assignments=BY_SEGMENT, bought=db.statement(BOUGHT)
                    ),
                    {**of, "min_customers": least},
                )
            }
            for least in (1, 10)
        )
        customers = {
            **{
                ("habits", row["cluster"], row["habit"], row["value"]): row["customers"]
                for row in db.rows(
                    conn,
                    f"""
                    select a.cluster, h.habit, h.value, count(distinct o.customer_id) as customers
                    from core.orders as o inner join {BY_SEGMENT} as a using (customer_id)
                    cross join lateral (values
                        ('hour', lpad(o.local_hour::text, 2, '0')), ('channel', nullif(btrim(o.channel), '')),
                        ('weekday', extract(isodow from o.day)::text)
                    ) as h (habit, value)
                    where o.cancelled_on is null and exists (
                        select from core.order_items as i
                        where i.order_id = o.order_id and i.quantity > 0 and i.unit_price > 0
                    )
                    group by 1, 2, 3
                    """,
                )
            },
            **{
                ("products", row["cluster"], None, row["product_id"]): row["customers"]
                for row in db.rows(
                    conn,
                    products_by(BOUGHT),
                    {**of, "min_customers": 1},
                )
            },
        }
        conn.rollback()
    assert told == {one for one in everything if customers[one] >= 10}
    assert {one[0] for one in everything - told} == {one[0] for one in told} == {"habits", "products"}


def test_every_segment_has_a_play(published):
    assert see(
        published,
        "select count(*) from segments.segment_versions as v where not exists "
        "(select from segments.segment_playbook as p where p.segment_id = v.segment_id and p.priority = 1)",
    ) == [(0,)]


# --- the reader --------------------------------------------------------------------------------------------


@pytest.fixture
def reader(published):
    """A connection as a login that has the role `reader` and nothing else."""
    with published.warehouse.connect() as conn:
        db.execute(conn, "create role crm_of_a_test login in role reader")
    connection = psycopg2.connect(**{**published.warehouse.params, "user": "crm_of_a_test"})
    connection.autocommit = True
    yield connection
    connection.close()
    with published.warehouse.connect() as conn:
        db.execute(conn, "drop role crm_of_a_test")


def test_a_reader_reads_all_of_segments(published, reader):
    relations = see(
        published,
        "select c.relname from pg_class as c where relnamespace = 'segments'::regnamespace "
        "and relkind in ('r', 'p', 'v') and not relispartition",
    )
    assert len(relations) > 15
    for (relation,) in relations:
        assert db.scalar(reader, f"select count(*) from segments.{relation}") is not None
    with published.warehouse.connect() as conn:
        db.execute(conn, "delete from segments.customer_segments where customer_id = 'c001'")
    # who came after the night, too, though the tables that this is computed from are none of the reader's
    assert db.scalar(reader, "select is_new from segments.assign_by_rule where customer_id = 'c001'") is True
    assert db.scalar(reader, "select segments.segment_by_rule('{}')") is not None


def test_a_reader_has_nothing_else(published, reader):
    others = see(
        published,
        "select n.nspname, c.relname from pg_class as c inner join pg_namespace as n on c.relnamespace = "
        "n.oid "
        "where n.nspname in ('staging', 'quarantine', 'core', 'features', 'quality', 'publishing', "
        "'operations', 'public') "
        "and c.relkind in ('r', 'p', 'v')",
    )
    assert len(others) > 20
    for schema, relation in others:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            db.scalar(reader, f"select count(*) from {schema}.{relation}")
    for statement in (
        "insert into segments.segment_name_overrides (segment_id, name) values (1, 'mine')",
        "update segments.segment_versions set name = 'mine'",
        "delete from segments.runs",
        "truncate segments.customer_segments",
        "create table segments.mine (n integer)",
        "select features.live('c001', current_date)",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            db.execute(reader, statement)


# --- the night after: last in this file, because it publishes ----------------------------------------------


def test_names_stay_on_the_next_night_in_whatever_language_and_those_of_people_for_good(published):
    tonight, next_night = AS_OF, AS_OF + timedelta(days=1)
    query = (
        "select segment_id, value_tier, lifecycle, trait, name_number, name, generated_name "
        "from segments.segment_versions where as_of_date = %(d)s order by 1"
    )
    before = see(published, query, d=tonight)
    with published.warehouse.connect() as conn:
        db.execute(
            conn,
            "insert into segments.segment_name_overrides (segment_id, name, description) "
            "values (1, 'Regulars', 'who come every week')",
        )
    publish(published, next_night, 2, 0, 1)
    after = see(published, query, d=next_night)
    assert [row[:5] for row in after] == [row[:5] for row in before]
    assert [row[6] for row in after] == [row[6] for row in before]
    assert [row[5] for row in after] == ["Regulars", *(row[6] for row in before[1:])]
    (said,) = see(
        published,
        "select description from segments.segment_versions where segment_id = 1 and as_of_date = %(d)s",
        d=next_night,
    )
    assert said == ("who come every week",)
    published.settings = published.settings.model_copy(update={"language": "zh"})
    publish(published, next_night + timedelta(days=1))
    last = see(published, query, d=next_night + timedelta(days=1))
    assert [row[:5] for row in last] == [row[:5] for row in before]
    assert last[0][5] == "Regulars"
    assert not any(row[6].isascii() for row in last)
    titles = see(
        published,
        "select distinct title from segments.segment_playbook where as_of_date > %(d)s",
        d=next_night,
    )
    assert titles
    assert not any(title.isascii() for (title,) in titles)


def test_a_choice_knows_recency_frequency_and_money_of_the_parent_date(published, monkeypatch):
    """Of everybody, or of a sample of a shop that is large."""
    day = AS_OF + timedelta(days=1)
    run_id = register.start(published.warehouse, published.settings, day, "planted next")
    night = Night(run_id, day, published.settings, published.shop, published.warehouse, published.store)
    published.ingest(night)
    table.build(night, silent)
    with published.warehouse.connect(readonly=True) as conn:
        then = table.read(conn, AS_OF, dictionary.available(published.settings.shop.source))
    known = inputs.Inputs.of(night)
    assert known.parent_date == AS_OF
    pd.testing.assert_frame_equal(known.rfm_before[list(natural.RFM)], then[list(natural.RFM)])
    monkeypatch.setattr(inputs, "RFM_CUSTOMERS", 30)
    sample = inputs.Inputs.of(night).rfm_before
    assert 0 < len(sample) < CUSTOMERS
    pd.testing.assert_frame_equal(sample, known.rfm_before.loc[sample.index])
