-- Purpose: the additive roll-up of what a customer did on a day, and what goes beside it: what cancellations
--     take off, the lines of products, and the orders without a purchase.
-- Grain: customer and day (and day of the cancellation; product, category; order). Inputs: core.orders, order_items,
--     events, reviews of the window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: the window is made anew; of days that are there, only customers that differ are replaced, and these
--     are left in the temporary table changed_days: what was made of them must be made again.
-- Caveats: an order counts when a line of it has quantity > 0 and unit_price > 0. Orders that were cancelled
--     are counted here and taken off by features.customer_day_cancelled from the day after the cancellation,
--     so that an earlier as-of date still sees them as they were. Money is in whole cents.
create temp table rolled_orders on commit drop as
{{ order_sums }};
analyze rolled_orders;

create temp table fresh_cancelled (like features.customer_day_cancelled) on commit drop;
insert into fresh_cancelled
(
    customer_id, day, cancelled_on, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders,
    night_orders, lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents
)
{{ cancelled_sums }};

create temp table fresh_products (like features.customer_product_day) on commit drop;
insert into fresh_products (customer_id, day, product_id, category, cancelled_on, lines)
{{ product_lines }};

create temp table fresh_days (like features.customer_day) on commit drop;
insert into fresh_days
(
    customer_id, day, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders, night_orders,
    lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents,
    sessions, views, carts, searches, dwell_seconds,
    reviews, rated_reviews, rating_sum, poor_reviews, review_chars
)
{{ day_sums }}
-- so that the keys are filled in their order, and a customer's rows of a month are neighbours
order by customer_id, day;
analyze fresh_days, fresh_cancelled, fresh_products;

delete from features.order_without_purchase
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;
insert into features.order_without_purchase (customer_id, day, order_id)
{{ without_purchase }};

-- with all history nothing is compared
create temp table changed_days on commit drop as
with known as (
    select *
    from features.customer_day
    where day >= %(first)s::date and day < %(end)s::date
),

known_cancelled as (
    select *
    from features.customer_day_cancelled
    where day >= %(first)s::date and day < %(end)s::date
),

known_products as (
    select *
    from features.customer_product_day
    where day >= %(first)s::date and day < %(end)s::date
),

differing as (
    select
        coalesce(f.customer_id, k.customer_id) as customer_id,
        coalesce(f.day, k.day) as day
    from (select * from fresh_days where %(first)s::date is not null) as f
    full join known as k on f.customer_id = k.customer_id and f.day = k.day
    where f is distinct from k
),

differing_cancelled as (
    (
        select * from fresh_cancelled where %(first)s::date is not null
        except
        select * from known_cancelled
    )
    union all
    (
        select * from known_cancelled
        except
        select * from fresh_cancelled where %(first)s::date is not null
    )
),

differing_products as (
    (
        select * from fresh_products where %(first)s::date is not null
        except
        select * from known_products
    )
    union all
    (
        select * from known_products
        except
        select * from fresh_products where %(first)s::date is not null
    )
)

select
    customer_id,
    day
from differing
union
select
    customer_id,
    day
from differing_cancelled
union
select
    customer_id,
    day
from differing_products;
analyze changed_days;

delete from features.customer_day_cancelled where %(first)s::date is null and day < %(end)s::date;
delete from features.customer_product_day where %(first)s::date is null and day < %(end)s::date;
delete from features.customer_day where %(first)s::date is null and day < %(end)s::date;

delete from features.customer_day_cancelled as k
using changed_days as c
where
    k.day >= %(first)s::date and k.day < %(end)s::date and k.customer_id = c.customer_id and k.day = c.day;
delete from features.customer_product_day as k
using changed_days as c
where
    k.day >= %(first)s::date and k.day < %(end)s::date and k.customer_id = c.customer_id and k.day = c.day;
delete from features.customer_day as k
using changed_days as c
where
    k.day >= %(first)s::date and k.day < %(end)s::date and k.customer_id = c.customer_id and k.day = c.day;

insert into features.customer_day_cancelled
select f.*
from fresh_cancelled as f
where
    %(first)s::date is null or (f.customer_id, f.day) in (select
        c.customer_id,
        c.day
    from changed_days as c);
insert into features.customer_product_day
select f.*
from fresh_products as f
where
    %(first)s::date is null or (f.customer_id, f.day) in (select
        c.customer_id,
        c.day
    from changed_days as c);
insert into features.customer_day
select f.*
from fresh_days as f
where
    %(first)s::date is null or (f.customer_id, f.day) in (select
        c.customer_id,
        c.day
    from changed_days as c)
