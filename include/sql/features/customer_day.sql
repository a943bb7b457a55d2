-- Purpose: the additive roll-up of what a customer did on a day, and what goes beside it: what cancellations
--     take off, the days with an order by customer, the lines of products.
-- Grain: customer and day (and day of the cancellation; product, category). Inputs: core.orders, order_items,
--     events, reviews of the window.
-- Parameters: first (null: all history), end: the window's days.
-- Re-run: the window is made anew; of days that are there, only customers that differ are replaced, and these
--     are left in the temporary table changed_days: what was made of them must be made again.
-- Caveats: an order counts when a line of it has quantity > 0 and unit_price > 0. Orders that were cancelled
--     are counted here and taken off by features.customer_day_cancelled from the day after the cancellation,
--     so that an earlier as-of date still sees them as they were. Money is in whole cents.
-- one row an order; one with nothing but returns brings its returns and no order
create temp table rolled_orders on commit drop as
with totals as (
    select
        order_id,
        count(*) filter (where quantity > 0 and unit_price > 0) as lines,
        count(*) filter (where quantity > 0 and unit_price > 0 and discount > 0) as discounted_lines,
        coalesce(sum(quantity) filter (where quantity > 0 and not is_service), 0) as units,
        coalesce(
            sum(round(quantity * unit_price * 100)) filter (where quantity > 0), 0
        )::bigint as gross_cents,
        coalesce(
            sum(round(quantity * unit_price * 100) - amount_cents) filter (where quantity > 0), 0
        )::bigint as discount_cents,
        count(*) filter (where quantity < 0) as return_lines,
        coalesce(-sum(amount_cents) filter (where quantity < 0), 0)::bigint as returned_cents
    from core.order_items
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by order_id
)

select
    o.order_id,
    o.customer_id,
    o.day,
    o.cancelled_on,
    (t.lines > 0)::integer as orders,
    (t.lines > 0 and extract(isodow from o.day) >= 6)::integer as weekend_orders,
    (t.lines > 0 and o.local_hour between 5 and 11)::integer as morning_orders,
    (t.lines > 0 and o.local_hour between 12 and 16)::integer as afternoon_orders,
    (t.lines > 0 and o.local_hour between 17 and 21)::integer as evening_orders,
    (t.lines > 0 and (o.local_hour >= 22 or o.local_hour < 5))::integer as night_orders,
    t.lines,
    t.discounted_lines,
    t.units,
    t.gross_cents,
    t.discount_cents,
    t.return_lines,
    t.returned_cents
from core.orders as o
inner join totals as t on o.order_id = t.order_id
where o.day >= coalesce(%(first)s::date, '-infinity') and o.day < %(end)s::date;
analyze rolled_orders;

create temp table fresh_cancelled (like features.customer_day_cancelled) on commit drop;
insert into fresh_cancelled
(
    customer_id, day, cancelled_on, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders,
    night_orders, lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents
)
select
    customer_id,
    day,
    cancelled_on,
    sum(orders),
    sum(weekend_orders),
    sum(morning_orders),
    sum(afternoon_orders),
    sum(evening_orders),
    sum(night_orders),
    sum(lines),
    sum(discounted_lines),
    sum(units),
    sum(gross_cents),
    sum(discount_cents),
    sum(return_lines),
    sum(returned_cents)
from rolled_orders
where cancelled_on is not null
group by customer_id, day, cancelled_on;

create temp table fresh_products (like features.customer_product_day) on commit drop;
insert into fresh_products (customer_id, day, product_id, category, cancelled_on, lines)
select
    i.customer_id,
    i.day,
    i.product_id,
    i.category,
    o.cancelled_on,
    count(*)
from core.order_items as i
inner join rolled_orders as o on i.order_id = o.order_id
where
    i.day >= coalesce(%(first)s::date, '-infinity') and i.day < %(end)s::date
    and i.quantity > 0 and i.unit_price > 0 and not i.is_service
group by i.customer_id, i.day, i.product_id, i.category, o.cancelled_on;

create temp table fresh_days (like features.customer_day) on commit drop;
insert into fresh_days
(
    customer_id, day, orders, weekend_orders, morning_orders, afternoon_orders, evening_orders, night_orders,
    lines, discounted_lines, units, gross_cents, discount_cents, return_lines, returned_cents,
    sessions, views, carts, searches, dwell_seconds,
    reviews, rated_reviews, rating_sum, poor_reviews, review_chars
)
with ordering as (
    select
        customer_id,
        day,
        sum(orders) as orders,
        sum(weekend_orders) as weekend_orders,
        sum(morning_orders) as morning_orders,
        sum(afternoon_orders) as afternoon_orders,
        sum(evening_orders) as evening_orders,
        sum(night_orders) as night_orders,
        sum(lines) as lines,
        sum(discounted_lines) as discounted_lines,
        sum(units) as units,
        sum(gross_cents) as gross_cents,
        sum(discount_cents) as discount_cents,
        sum(return_lines) as return_lines,
        sum(returned_cents) as returned_cents
    from rolled_orders
    group by customer_id, day
),

browsing as (
    select
        customer_id,
        day,
        count(distinct session_id) as sessions,
        count(*) filter (where event_type = 'view') as views,
        count(*) filter (where event_type = 'cart') as carts,
        count(*) filter (where event_type = 'search') as searches,
        coalesce(sum(duration_seconds), 0) as dwell_seconds
    from core.events
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by customer_id, day
),

reviewing as (
    select
        customer_id,
        day,
        count(*) as reviews,
        count(rating) as rated_reviews,
        coalesce(sum(rating), 0) as rating_sum,
        count(*) filter (where rating <= 2) as poor_reviews,
        sum(body_chars) as review_chars
    from core.reviews
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by customer_id, day
)

select
    customer_id,
    day,
    coalesce(o.orders, 0),
    coalesce(o.weekend_orders, 0),
    coalesce(o.morning_orders, 0),
    coalesce(o.afternoon_orders, 0),
    coalesce(o.evening_orders, 0),
    coalesce(o.night_orders, 0),
    coalesce(o.lines, 0),
    coalesce(o.discounted_lines, 0),
    coalesce(o.units, 0),
    coalesce(o.gross_cents, 0),
    coalesce(o.discount_cents, 0),
    coalesce(o.return_lines, 0),
    coalesce(o.returned_cents, 0),
    coalesce(b.sessions, 0),
    coalesce(b.views, 0),
    coalesce(b.carts, 0),
    coalesce(b.searches, 0),
    coalesce(b.dwell_seconds, 0),
    coalesce(r.reviews, 0),
    coalesce(r.rated_reviews, 0),
    coalesce(r.rating_sum, 0),
    coalesce(r.poor_reviews, 0),
    coalesce(r.review_chars, 0)
from ordering as o
full join browsing as b using (customer_id, day)
full join reviewing as r using (customer_id, day)
-- so that the keys are filled in their order, and a customer's rows of a month are neighbours
order by customer_id, day;
analyze fresh_days, fresh_cancelled, fresh_products;

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
delete from features.customer_order_day where %(first)s::date is null and day < %(end)s::date;
delete from features.customer_day where %(first)s::date is null and day < %(end)s::date;

delete from features.customer_day_cancelled as k
using changed_days as c
where
    k.day >= %(first)s::date and k.day < %(end)s::date and k.customer_id = c.customer_id and k.day = c.day;
delete from features.customer_product_day as k
using changed_days as c
where
    k.day >= %(first)s::date and k.day < %(end)s::date and k.customer_id = c.customer_id and k.day = c.day;
delete from features.customer_order_day as k
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
insert into features.customer_order_day (customer_id, day, orders)
select
    f.customer_id,
    f.day,
    f.orders
from fresh_days as f
where
    f.orders > 0
    and (
        %(first)s::date is null
        or (f.customer_id, f.day) in (select
            c.customer_id,
            c.day
        from changed_days as c)
    );
insert into features.customer_day
select f.*
from fresh_days as f
where
    %(first)s::date is null or (f.customer_id, f.day) in (select
        c.customer_id,
        c.day
    from changed_days as c)
