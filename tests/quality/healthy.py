"""A small healthy shop, two months old, and the as-of date whose gates look at it."""

from datetime import date

FIRST, AS_OF, PARENT = date(2024, 2, 20), date(2024, 3, 1), date(2024, 2, 22)
SECRET = "SECRET"  # in every value that belongs to a customer

# 72 days; a day has 20 orders with two lines each, 20 events and 10 reviews, by 40 customers.
SHOP = f"""
insert into staging.customers
    (day, customer_id, signed_up_at, birth_year, gender, country, city, email_sha256, consent, updated_at)
select d, '{SECRET}-' || n, '2023-12-20', 1960 + n, case d when '2023-12-20' then 'female' else 'male' end,
    '{SECRET}land', '{SECRET}ton', '{SECRET}-mail-' || n, true, d
from generate_series(0, 39) as n, unnest(array[date '2023-12-20', date '2024-02-29']) as d
where d = '2023-12-20' or n < 10;

create temp table day_numbers as
select d::date as day, n
from generate_series(date '2023-12-20', date '2024-02-29', interval '1 day') as d,
    generate_series(0, 19) as n;

insert into staging.orders (day, order_id, customer_id, ordered_at, status, channel, currency, updated_at)
select day, '{SECRET}-o-' || day || '-' || n, '{SECRET}-' || mod(day - date '2023-12-20' + 7 * n, 40),
    day + time '10:00', 'completed', 'web', 'EUR', day + time '10:00'
from day_numbers;

insert into staging.order_items
    (day, order_id, line_no, product_id, category, quantity, unit_price, discount)
select day, '{SECRET}-o-' || day || '-' || n, line, 'p' || mod(n + line, 7), 'c' || line,
    mod(n, 3) + 1, 9.99, 0.5
from day_numbers, generate_series(1, 2) as line;

insert into staging.events
    (day, event_id, customer_id, session_id, occurred_at, event_type, product_id, duration_seconds)
select day, 'e-' || day || '-' || n || copy,
    '{SECRET}-' || mod(day - date '2023-12-20' + 7 * n, 40), 's' || n,
    day + time '09:00', case copy when 1 then 'view' else 'cart' end, 'p1', 30
from day_numbers, generate_series(1, 2) as copy where n < 10;

insert into staging.reviews (day, review_id, customer_id, product_id, reviewed_at, rating, body)
select day, 'r-' || day || '-' || n, '{SECRET}-' || mod(day - date '2023-12-20' + 7 * n, 40), 'p1',
    day + time '20:00', 1 + mod(n, 5), '{SECRET} body'
from day_numbers where n < 10;
"""

# The parent date is as tonight: nothing has drifted, nobody has moved.
PUBLISHED = """
create table features.customer_features_20240222
    partition of features.customer_features for values in ('2024-02-22');
create temp table then_features as select * from features.customer_features where as_of_date = '2024-03-01';
update then_features set as_of_date = '2024-02-22';
insert into features.customer_features select * from then_features;

create table publishing.assignments_20240301 (
    customer_id text collate "C", cluster integer, confidence real, is_outlier boolean
);
insert into publishing.assignments_20240301
select customer_id, mod(row_number() over (order by customer_id), 4), 0.8, false
from features.customer_features where as_of_date = '2024-03-01';

create table segments.customer_segments_20240222
    partition of segments.customer_segments for values in ('2024-02-22');
insert into segments.customer_segments
select '2024-02-22', customer_id, 11 + cluster, 0.8, false, null, 'run-0'
from publishing.assignments_20240301;
insert into segments.runs (run_id, as_of_date, status, published_at)
values ('run-0', '2024-02-22', 'published', now());
"""
STAGED = "publishing.assignments_20240301"
LOADS = """
insert into staging.loads (run_id, table_name, day_from, day_to, rows_loaded)
select 'run-1', t, '2024-02-20', '2024-03-01', 10
from unnest(array['customers', 'orders', 'order_items', 'events', 'reviews']) as t;
insert into quality.metrics (run_id, as_of_date, gate, table_name, metric, value)
select run_id, '2024-03-01', 'sources', table_name, 'columns_unfit', 0 from staging.loads;
insert into quality.metrics (run_id, as_of_date, gate, table_name, metric, value)
values ('run-0', '2024-02-22', 'sources', 'order_items', 'category_present_share', 1);
"""


def quiet(_: str) -> None:
    """No progress in tests."""
