-- Purpose: what the source gate asks of the orders just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's;
--     cancelled_share is that of the newest day.
-- Inputs: staging.orders of the window (one pass).
-- Parameters: first (null: all history), end: the window's days; as_of_date; min_rows; order_statuses.
-- Re-run: reads only.
with days as (
    select
        day,
        count(*) as row_count,
        day = %(end)s::date - 1 and count(*) >= %(min_rows)s as is_scope,
        count(nullif(btrim(order_id), '')) as with_id,
        count(nullif(btrim(customer_id), '')) as with_customer,
        count(ordered_at) as with_instant,
        count(*) filter (where lower(btrim(status)) = any(%(order_statuses)s)) as with_known_status,
        count(nullif(btrim(status), '')) as with_status,
        count(*) filter (
            where cancelled_at is not null or lower(btrim(status)) in ('cancelled', 'canceled')
        ) as cancelled,
        min(nullif(upper(btrim(currency)), '') collate "C") as first_currency,
        max(nullif(upper(btrim(currency)), '') collate "C") as last_currency
    from staging.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

by_scope as (
    select
        sum(d.row_count) as row_count,
        sum(d.with_id) as with_id,
        sum(d.with_customer) as with_customer,
        sum(d.with_instant) as with_instant,
        sum(d.with_known_status) as with_known_status,
        sum(d.with_status) as with_status,
        sum(d.cancelled) filter (where s.scope = 'newest day') as cancelled,
        min(d.first_currency) as first_currency,
        max(d.last_currency) as last_currency
    from days as d
    inner join (values ('window'), ('newest day')) as s (scope) on s.scope = 'window' or d.is_scope
    group by s.scope
),

shares as (
    select
        coalesce(max(row_count), 0) as row_count,
        min(with_id / row_count) as id_present_share,
        min(with_customer / row_count) as customer_present_share,
        min(with_instant / row_count) as instant_present_share,
        min(with_known_status / nullif(with_status, 0)) as known_status_share,
        max(cancelled / row_count) as cancelled_share,
        coalesce((min(first_currency) <> max(last_currency))::integer, 0) as mixed_currencies
    from by_scope
),

newest as (
    select %(as_of_date)s::date - max(day) as age_days
    from staging.orders
    where day < %(end)s::date and ordered_at is not null
)

select
    s.*,
    n.age_days as newest_age_days
from shares as s
cross join newest as n
