"""The cases, an entry each: what is done to the shop, and what the night must make of it.

A new case is one more entry. Its `sql` runs in the shop database before the night, with the tables of the
demo shop in reach and three helpers: `day()`, the day that the night reads for the first time; `at(n)`, the
instant at which the n-th day after it begins; `today(instant)`, whether an instant is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Verdict = Literal["stop", "warn", "quarantine", "repaired", "healthy"]
"""Outcome of a night: it stops, nothing is published; it publishes and warns; it publishes without
the rows at fault; it publishes what it would have published without the fault. `healthy`: no fault at all."""


@dataclass(frozen=True)
class Baseline:
    """A demo shop of which `as_of` is published; `sql` makes it another shop before that."""

    customers: int
    as_of: date
    sql: str = ""


@dataclass(frozen=True)
class Case:
    """A night of a baseline: `nights` after the published date, with one thing out of the ordinary."""

    name: str
    done: str  # in words, for the table
    expected: Verdict
    sql: str = ""  # in the shop
    says: str = ""  # a pattern that what the run says must have
    shop: str = "main"
    nights: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    warehouse_sql: str = ""
    server_sql: tuple[str, ...] = ()
    kill_at: str | None = None  # the night's process is killed when it prints this
    locked: str | None = None  # a table of the shop that another session holds
    is_data: bool = True  # the data are at fault, so the quality results must say so

    @property
    def is_undamaged(self) -> bool:
        """Nothing is done to the shop but to let it live."""
        return self.expected == "healthy" and not self.sql and not self.settings


# Two years of browsing are most of a shop, and say nothing here that four months do not.
FOUR_MONTHS_OF_EVENTS = "delete from events where received_at < at(-120)"
# Enough customers that a day has more rows than `quality.min_rows`, below which a check is milder.
BASELINES = {
    "main": Baseline(3600, date(2026, 3, 17), FOUR_MONTHS_OF_EVENTS),
    "small": Baseline(200, date(2026, 10, 25)),
    "leap": Baseline(1200, date(2024, 2, 29), FOUR_MONTHS_OF_EVENTS),
    "autumn": Baseline(1200, date(2026, 11, 22), FOUR_MONTHS_OF_EVENTS),
    "young": Baseline(
        1200,
        date(2026, 6, 10),
        """
        delete from orders where coalesce(least(ordered_at, updated_at), updated_at) < at(-4);
        delete from order_lines where created_at < at(-4);
        delete from events where received_at < at(-4);
        delete from reviews where created_at < at(-4);
        update customers set signed_up_at = at(-4), updated_at = at(-4)
        where coalesce(updated_at, signed_up_at) < at(-4);
        """,
    ),
}

READER = """
    grant usage on schema demo to faults_reader;
    grant select on all tables in schema demo to faults_reader;
    revoke select on orders from faults_reader;
"""
AGAIN = """
    insert into orders select * from orders where {when_ordered};
    insert into order_lines select * from order_lines where {when_written};
    insert into events select * from events where {when_received};
    insert into reviews select * from reviews where {when_written};
"""
TWICE = AGAIN.format(
    when_ordered="today(ordered_at)", when_written="today(created_at)", when_received="today(received_at)"
)
NO_DAY = """
    delete from orders where today(least(ordered_at, updated_at)) or today(ordered_at);
    delete from order_lines where today(created_at);
    delete from events where today(received_at);
    delete from reviews where today(created_at);
"""
YESTERDAY = "{0} >= at(-1) and {0} < at(0)"
# a copy of the day's orders under numbers that are free, `share` of them in place of 1
MORE = """
    insert into orders
    select order_no + 5000000000000 * n, customer_no, ordered_at, status, cancelled_at, channel, currency,
        updated_at
    from orders, generate_series(1, {times}) as n where today(ordered_at) and {which};
    insert into order_lines
    select order_no + 5000000000000 * n, line_no, product_code, pieces, unit_price, discount_percent,
        created_at
    from order_lines, generate_series(1, {times}) as n where today(created_at) and {which};
"""
FEWER = """
    delete from order_lines where today(created_at) and {which};
    delete from orders where today(ordered_at) and {which};
"""
GARBAGE = "(select repeat(string_agg(md5(i::text), ''), {megabytes}) from generate_series(1, 32768) as i)"
ONE_ORDER = "order_no = (select max(order_no) from orders where today(ordered_at) and order_no % 10 = 0)"
ALL_CUSTOMERS_AGAIN = "updated_at = at(0) + interval '9 hours'"

FAULTS = (
    # --- the shop's tables are not what they were
    Case(
        "missing_column",
        "column unit_price dropped from the order lines",
        "stop",
        "alter table order_lines drop column unit_price",
        "order_items.*unit_price",
    ),
    Case(
        "renamed_column",
        "orders.customer_no is now called customer_id",
        "stop",
        "alter table orders rename column customer_no to customer_id",
        "orders.*customer_no",
    ),
    Case("missing_table", "table reviews dropped", "stop", "drop table reviews", "reviews"),
    Case(
        "text_in_a_number",
        "stars of reviews are text, one of them 'five'",
        "stop",
        "alter table reviews alter stars type text;"
        "update reviews set stars = 'five' where review_no = "
        "(select max(review_no) from reviews where today(created_at))",
        "reviews.*rating|reviews.*numeric",
    ),
    Case(
        "text_in_a_price",
        "unit_price of the order lines is text",
        "stop",
        "alter table order_lines alter unit_price type text using unit_price || ' EUR'",
        "order_items",
    ),
    # --- how much arrived
    Case(
        "half_a_day",
        "the orders and lines of the day end at noon",
        "warn",
        "delete from order_lines where created_at >= at(0) + interval '12 hours' and today(created_at);"
        "delete from orders where today(ordered_at) and ordered_at >= at(0) + interval '12 hours'",
        "number of (orders|order lines).*newest day|orders on the newest day|revenue",
    ),
    Case("ten_times", "ten times the orders of a day", "stop", MORE.format(times=9, which="true"), "orders"),
    Case("empty_day", "no rows at all of the day", "warn", NO_DAY, "newest day"),
    Case(
        "yesterday_again",
        "yesterday's rows again in place of the day's",
        "warn",
        NO_DAY
        + AGAIN.format(
            when_ordered=YESTERDAY.format("ordered_at"),
            when_written=YESTERDAY.format("created_at"),
            when_received=YESTERDAY.format("received_at"),
        ),
        "newest day",
    ),
    Case("no_events", "no browsing events of the day", "warn", "delete from events where today(received_at)",
         "events"),
    Case("events_gone", "all browsing events gone, history too", "stop", "delete from events", "events"),
    Case("customers_gone", "the customers table is empty", "stop", "delete from customers", "customers"),
    Case("products_gone", "the catalogue is empty: no line has a category", "warn", "delete from products",
         "categor"),
    # --- history
    Case(
        "recent_history_deleted",
        "orders and lines of the ten days before deleted",
        "stop",
        "delete from orders where ordered_at >= at(-10) and ordered_at < at(0);"
        "delete from order_lines where created_at >= at(-10) and created_at < at(0)",
        "orders",
    ),
    Case(
        "history_deleted",
        "orders and lines older than the look-back deleted",
        "stop",
        "delete from orders where ordered_at < at(-12); delete from order_lines where created_at < at(-12)",
        "orders",
    ),
    Case(
        "history_changed",
        "prices of a day 40 days ago corrected, beyond the look-back",
        "repaired",
        "update order_lines set unit_price = unit_price + 1"
        " where created_at >= at(-40) and created_at < at(-39)",
        "again|repair",
    ),
    Case(
        "history_arrived",
        "50 orders of a day 30 days ago arrive, beyond the look-back",
        "repaired",
        """
        with late as (
            select * from orders where ordered_at >= at(-37) and ordered_at < at(-35) and order_no % 10 = 0
            limit 50
        ),
        moved as (
            insert into orders
            select order_no + 5000000000000, customer_no, at(-30) + interval '3 hours', status, null, channel,
                currency, at(-30) + interval '3 hours'
            from late returning order_no
        )
        insert into order_lines
        select order_no + 5000000000000, line_no, product_code, pieces, unit_price, discount_percent,
            at(-30) + interval '3 hours'
        from order_lines where order_no in (select order_no from late)
        """,
        "again|repair",
    ),
    # --- keys and references
    Case(
        "nulls_in_the_key",
        "four of five orders of the day have no number",
        "stop",
        "update orders set order_no = null where today(ordered_at) and order_no / 10 % 5 > 0",
        "orders.*order number",
    ),
    Case(
        "some_nulls_in_the_key",
        "one order in ten of the day has no number",
        "quarantine",
        "update orders set order_no = null where today(ordered_at) and order_no / 10 % 10 = 0",
        "order_id_missing",
    ),
    Case(
        "nobody_ordered",
        "the orders of the day have no customer",
        "stop",
        "update orders set customer_no = null where today(ordered_at)",
        "orders.*customer",
    ),
    Case("duplicated_file", "the day's rows are there twice, in every table", "repaired", TWICE, "merged"),
    Case(
        "customers_twice",
        "every customer of the day is there three times",
        "repaired",
        "insert into customers select c.* from customers as c, generate_series(1, 2) "
        "where today(coalesce(c.updated_at, c.signed_up_at))",
        "merged",
    ),
    Case(
        "key_with_two_contents",
        "orders of the day are there twice, the older copy of another customer",
        "repaired",
        "insert into orders select order_no, '10000001', ordered_at, 'processing', null, channel, currency,"
        " updated_at - interval '1 hour' from orders where today(ordered_at)"
        " and updated_at > ordered_at + interval '2 hours'",
        "merged",
    ),
    Case(
        "numbers_begin_anew",
        "orders of the day have the numbers of orders 60 days ago",
        "stop",
        """
        create temp table renumbered as
        select d.order_no as was, o.order_no as now
        from (select order_no, row_number() over (order by order_no) as n from orders
              where today(ordered_at) group by order_no) as d
        join (select order_no, row_number() over (order by order_no) as n from orders
              where ordered_at >= at(-70) and ordered_at < at(-60) group by order_no) as o using (n);
        update orders set order_no = now from renumbered where order_no = was and today(ordered_at);
        update order_lines set order_no = now from renumbered where order_no = was and today(created_at);
        """,
        "order_on_another_day",
    ),
    Case("orphans", "a fifth of the orders of the day lost, their lines are not", "quarantine",
         "delete from orders where today(ordered_at) and order_no / 10 % 5 = 0", "order_unknown"),
    Case("half_orphans", "half of the orders of the day lost, their lines are not", "stop",
         "delete from orders where today(ordered_at) and order_no / 10 % 2 = 0", "refused"),
    Case(
        "swapped_keys",
        "order number and customer number swapped in the orders of the day",
        "stop",
        "update orders set order_no = btrim(replace(customer_no, '.0', ''))::bigint, customer_no = order_no"
        " where today(ordered_at)",
        "customer|orders",
    ),
    # --- amounts
    Case("prices_times_100", "all prices of the day times 100 (cents for euro)", "stop",
         "update order_lines set unit_price = unit_price * 100 where today(created_at)", "price|revenue"),
    Case("prices_by_100", "all prices of the day divided by 100", "stop",
         "update order_lines set unit_price = unit_price / 100 where today(created_at)", "price|revenue"),
    Case("negative_prices", "every seventh price of the day is negative", "quarantine",
         "update order_lines set unit_price = -unit_price where today(created_at) and order_no / 10 % 7 = 0",
         "price_negative"),
    Case("all_prices_negative", "every price of the day is negative", "stop",
         "update order_lines set unit_price = -unit_price where today(created_at)", "price above 0"),
    Case("zero_quantities", "every fifth order of the day is of 0 pieces", "quarantine",
         "update order_lines set pieces = 0 where today(created_at) and order_no / 10 % 5 = 0",
         "quantity_zero"),
    Case("absurd_amount", "one line of a thousand million pieces", "quarantine",
         f"update order_lines set pieces = 1000000000 where {ONE_ORDER}", "amount_absurd"),
    Case("swapped_columns", "pieces and price swapped in the lines of the day", "stop",
         "update order_lines set pieces = round(unit_price), unit_price = pieces where today(created_at)",
         "price|quantit"),
    Case("wrong_currency", "the orders of the day are in dollars", "stop",
         "update orders set currency = 'USD' where today(ordered_at)", "currenc"),
    Case("everything_cancelled", "every order of the day is cancelled", "warn",
         "update orders set status = 'cancelled', cancelled_at = ordered_at where today(ordered_at)",
         "cancel|revenue"),
    Case("unknown_statuses", "the orders of the day have codes for a status: 1, 2, 3", "warn",
         "update orders set status = (order_no / 10 % 3)::text where today(ordered_at)", "status"),
    # --- time
    Case("future_dates", "a sixth of the orders of the day is dated a year ahead", "quarantine",
         "update orders set ordered_at = ordered_at + interval '1 year' where today(ordered_at)"
         " and updated_at < at(1) and order_no / 10 % 6 = 0", "ordered_at_in_future"),
    Case("all_in_the_future", "all orders of the day are dated a year ahead", "stop",
         "update orders set ordered_at = ordered_at + interval '1 year' where today(ordered_at)"
         " and updated_at < at(1)", "orders"),
    Case("time_zone", "orders, lines and events of the day are stamped eight hours too early", "warn",
         """
         update orders set ordered_at = ordered_at - interval '8 hours' where today(ordered_at);
         update order_lines set created_at = created_at - interval '8 hours' where today(created_at);
         update events set received_at = received_at - interval '8 hours', occurred_at_text = null
         where today(received_at);
         """, "hour|time zone|time of day"),
    Case("wrong_time_zone_setting", "shop.timezone is set to another zone than the shop's", "stop",
         says="timezone=Europe/London", settings={"SEGMENTATION__SHOP__TIMEZONE": "Asia/Shanghai"},
         is_data=False),
    # --- texts and attributes
    Case("garbage_200_mb", "200 MB of garbage in the text of one review", "quarantine",
         f"update reviews set body = {GARBAGE.format(megabytes=200)} where review_no = "
         "(select max(review_no) from reviews where today(created_at))", "reviews"),
    Case("garbage_in_a_product", "5 MB of garbage as the product of an order's lines", "quarantine",
         f"update order_lines set product_code = {GARBAGE.format(megabytes=5)} where {ONE_ORDER}",
         "order_items"),
    Case("garbage_in_a_key", "5 MB of garbage as the customer of an order", "quarantine",
         f"update orders set customer_no = {GARBAGE.format(megabytes=5)} where {ONE_ORDER}", "orders"),
    Case("mojibake", "one city in fifteen read in the wrong encoding", "warn",
         f"update customers set city = 'MÃ¼nchen', {ALL_CUSTOMERS_AGAIN} where id % 15 = 0;"
         f"update customers set {ALL_CUSTOMERS_AGAIN}", "customers.*wrong encoding"),
    Case("mojibake_everywhere", "the catalogue read in the wrong encoding", "stop",
         "update products set category = 'BÃ¼cher & ' || category", "order_items.*wrong encoding"),
    Case("negative_ages", "all years of birth are in the future", "warn",
         f"update customers set birth_year = 2150, {ALL_CUSTOMERS_AGAIN}", "years of birth"),
    Case("ratings_out_of_range", "stars of every tenth review of the week run to 100", "quarantine",
         "update reviews set stars = 20 + stars where created_at >= at(-6) and review_no % 10 = 0",
         "rating_out_of_range"),
    # --- trouble with the machines
    Case("shop_down", "the shop's database accepts no connection", "stop",
         server_sql=("alter database shop with allow_connections false",), says="not currently accepting",
         is_data=False),
    Case("no_rights", "the shop's user may not read the orders", "stop", READER,
         "permission denied", server_sql=("alter database shop set role = 'faults_reader'",), is_data=False),
    Case("statement_timeout", "the shop's server ends every statement after 1 ms", "stop",
         server_sql=("alter database shop set statement_timeout = '1ms'",), says="statement timeout",
         is_data=False),
    Case("shop_locked", "another session holds the orders", "stop", locked="demo.orders",
         server_sql=("alter database shop set lock_timeout = '2s'",), says="lock timeout", is_data=False),
    Case("warehouse_read_only", "the warehouse is read only, as on a full disk", "stop",
         server_sql=("alter database warehouse set default_transaction_read_only = on",), says="read-only",
         is_data=False),
    Case("no_temporary_space", "no room for the warehouse's temporary files", "stop",
         server_sql=("alter database warehouse set temp_file_limit = 0",
                     "alter database warehouse set work_mem = '64kB'"),
         says="temp_file_limit", is_data=False),
    Case("date_taken", "another run is at work on the date", "stop",
         warehouse_sql="insert into segments.runs (run_id, as_of_date, status, dag_run_id, settings_hash, "
         "code_version) values ('other', '2026-03-18', 'running', 'other', '', '')",
         says="under way|did not start", is_data=False),
    Case("killed_cleaning", "the night's process is killed (SIGKILL) while it cleans", "stop",
         kill_at="clean: orders", is_data=False),
    Case("killed_fitting", "the night's process is killed (SIGKILL) after the fits", "stop",
         kill_at="fit kmeans", is_data=False),
)  # fmt: skip


def healthy(name: str, done: str, sql: str = "", **more) -> Case:
    """An ordinary variation, which must not stop the night."""
    return Case(name, done, "healthy", sql, **more)


HEALTHY = (
    # --- the calendar
    healthy("ordinary", "a Tuesday like any other"),
    healthy("run_twice", "the published date again", nights=0),
    healthy("saturday", "a Saturday, after four nights without a run", nights=5),
    healthy("sunday", "a Sunday, after five nights without a run", nights=6),
    healthy("monday", "a Monday, after a week without a run", nights=7),
    healthy("clocks_forward", "the day of 23 hours, after twelve nights without a run", nights=13),
    healthy("month_begin", "the first of a month, after a fortnight without a run", nights=16),
    healthy("clocks_back", "the day of 25 hours, in a shop of 200", shop="small"),
    healthy("leap_day", "29 February", shop="leap"),
    healthy("sale_begins", "the first day of Black Week", shop="autumn"),
    healthy("black_friday", "Black Friday, after five nights without a run", shop="autumn", nights=6),
    healthy("sale_day", "twice the orders, at 30 % off",
            MORE.format(times=1, which="true")
            + "update order_lines set discount_percent = 30 where today(created_at)"),
    healthy("holiday", "two of five orders of the day do not happen",
            FEWER.format(which="order_no / 10 % 5 < 2")),
    # --- what kind of shop
    healthy("small_shop", "a shop of 200, a week without a run", shop="small", nights=7),
    healthy("small_shop_without_orders", "a shop of 200, nobody orders that day",
            FEWER.format(which="true"), shop="small"),
    healthy("young_shop", "the sixth day of a shop", shop="young"),
    healthy("young_shop_monday", "the tenth day of a shop, after three nights without a run",
            shop="young", nights=4),
    # --- what sells
    healthy("growth", "a fifth more orders", MORE.format(times=1, which="order_no / 10 % 5 = 0")),
    healthy("new_category", "fifty products move to a new category",
            "update products set category = 'drones' where category = 'hobby' and product_code < 'P01150'"),
    healthy("new_products", "a tenth of the lines are products that the catalogue lacks",
            "update order_lines set product_code = 'N' || product_code where today(created_at)"
            " and order_no / 10 % 10 = 0"),
    healthy("new_channel", "a third of the orders come from a marketplace",
            "update orders set channel = 'marketplace' where today(ordered_at) and order_no / 10 % 3 = 0"),
    healthy("channel_down", "no orders from the app for a day",
            "delete from order_lines where today(created_at) and order_no in"
            " (select order_no from orders where channel = 'app');"
            "delete from orders where today(ordered_at) and channel = 'app'"),
    healthy("price_rise", "all prices 10 % higher",
            "update order_lines set unit_price = round(unit_price * 1.1, 2) where today(created_at)"),
    healthy("clearance", "all prices 40 % lower",
            "update order_lines set unit_price = round(unit_price * 0.6, 2) where today(created_at)"),
    healthy("free_gifts", "a free item in every order",
            "insert into order_lines select order_no, 90, 'GIFT', 1, 0, 0, min(created_at) from order_lines"
            " where today(created_at) and pieces > 0 group by order_no"),
    healthy("wholesale", "one order of 400 pieces of each product",
            f"update order_lines set pieces = 400 where {ONE_ORDER}"),
    healthy("many_returns", "a third of the orders of the day before come back",
            """
            insert into orders
            select order_no + 7, customer_no, at(0) + interval '15 hours', 'returned', null, channel,
                currency, at(0) + interval '15 hours'
            from orders where ordered_at >= at(-1) and ordered_at < at(0) and order_no % 10 = 0
                and order_no / 10 % 3 = 0;
            insert into order_lines
            select order_no + 7, line_no, product_code, -pieces, unit_price, 0, at(0) + interval '15 hours'
            from order_lines where created_at >= at(-1) and created_at < at(0) and order_no % 10 = 0
                and order_no / 10 % 3 = 0 and pieces > 0
            """),
    healthy("many_cancellations", "a quarter of the orders of the day are cancelled",
            "update orders set status = 'cancelled', cancelled_at = ordered_at + interval '1 minute'"
            " where today(ordered_at) and order_no / 10 % 4 = 0"),
    healthy("new_status", "one order in twenty is 'on hold'",
            "update orders set status = 'on hold' where today(ordered_at) and order_no / 10 % 20 = 0"),
    healthy("late_orders", "forty orders of three days ago arrive late",
            """
            insert into orders
            select order_no + 5000000000000, customer_no, at(-3) + interval '9 hours', status, null, channel,
                currency, at(-3) + interval '9 hours'
            from orders where ordered_at >= at(-30) and ordered_at < at(-29) and order_no % 10 = 0 limit 40;
            insert into order_lines
            select order_no, 1, 'P00110', 1, 20, 0, at(-3) + interval '9 hours'
            from orders where order_no > 5000000000000 and ordered_at = at(-3) + interval '9 hours'
            """),
    healthy("prices_corrected", "prices of last Friday are corrected by a tenth",
            "update order_lines set unit_price = unit_price * 1.1 where created_at >= at(-4)"
            " and created_at < at(-3)"),
    # --- who buys and browses
    healthy("campaign", "a hundred customers sign up",
            "insert into customers select 99000000 + n, at(0) + interval '8 hours', 1990, 'f', 'DE',"
            " 'Berlin', 'Berlin', 'new.' || n || '@example.com', true, at(0) + interval '8 hours'"
            " from generate_series(1, 100) as n"),
    healthy("new_country", "the shop opens in Poland",
            "update customers set country = 'PL', region = 'Mazowieckie', city = 'Łódź',"
            f" {ALL_CUSTOMERS_AGAIN} where id % 10 = 0"),
    healthy("chinese_cities", "names of cities in Chinese",
            f"update customers set city = '上海', region = '华东', {ALL_CUSTOMERS_AGAIN} where id % 7 = 0"),
    healthy("birth_years_unknown", "the shop no longer asks for years of birth",
            f"update customers set birth_year = null, {ALL_CUSTOMERS_AGAIN}"),
    healthy("erasure", "twenty customers are erased, their orders of the week are anonymous",
            "update orders set customer_no = null where ordered_at >= at(-6) and customer_no in"
            " (select id::text from customers order by id desc limit 20);"
            "delete from customers where id in (select id from customers order by id desc limit 20)"),
    healthy("no_reviews", "no reviews for a day", "delete from reviews where today(created_at)"),
    healthy("cookie_banner", "a third fewer browsing events",
            "delete from events where today(received_at) and session_no % 3 = 0"),
    healthy("newsletter", "twice the browsing events",
            "insert into events select event_no + 5000000000000, session_no + 5000000000000, customer_no,"
            " occurred_at_text, received_at, kind, product_code, seconds_on_page"
            " from events where today(received_at)"),
    # --- how it is written
    healthy("untidy_keys", "customer numbers as a spreadsheet writes them",
            "update orders set customer_no = ' ' || customer_no || '.0 ' where today(ordered_at)"
            " and customer_no !~ '\\D'"),
    healthy("odd_texts", "tabs, quotes, line breaks, backslashes and emoji in the texts of reviews",
            "update reviews set body = e'\\t\"so-so\"\\n\\\\N \\\\. \\u2705 \\U0001F600, ''fine''' || body"
            " where created_at >= at(-6)"),
)  # fmt: skip

CASES = (*FAULTS, *HEALTHY)
