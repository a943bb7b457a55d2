-- Purpose: what the source gate asks of the orders just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's.
-- Inputs: staging.orders of the window (one pass) and its day counts of nine weeks; core and quarantine.
-- Parameters: first (null: all history), end: the window's days; as_of_date; min_rows; order_statuses.
-- Re-run: reads only.
with days as (
    select
        day,
        count(*) as row_count,
        count(nullif(btrim(order_id), '')) as with_id,
        count(nullif(btrim(customer_id), '')) as with_customer,
        count(ordered_at) as with_instant,
        count(*) filter (where lower(btrim(status)) = any(%(order_statuses)s)) as with_known_status,
        count(nullif(btrim(status), '')) as with_status,
        min(nullif(upper(btrim(currency)), '') collate "C") as first_currency,
        max(nullif(upper(btrim(currency)), '') collate "C") as last_currency
    from staging.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

scopes as (
    {% include "quality/scopes.sql" %}
),

by_scope as (
    select
        sum(row_count) as row_count,
        sum(with_id) as with_id,
        sum(with_customer) as with_customer,
        sum(with_instant) as with_instant,
        sum(with_known_status) as with_known_status,
        sum(with_status) as with_status,
        min(first_currency) as first_currency,
        max(last_currency) as last_currency
    from scopes
    group by scope
),

shares as (
    select
        coalesce(max(row_count), 0) as row_count,
        min(with_id / row_count) as id_present_share,
        min(with_customer / row_count) as customer_present_share,
        min(with_instant / row_count) as instant_present_share,
        min(with_known_status / nullif(with_status, 0)) as known_status_share,
        coalesce((min(first_currency) <> max(last_currency))::integer, 0) as mixed_currencies
    from by_scope
),

recent as (
    {% include "quality/recent.sql" %}
),

since as (
    select min(day) as first_day
    from staging.orders
    where day < %(end)s::date
),

newest as (
    select max(day) as day
    from staging.orders
    where day < %(end)s::date and ordered_at is not null
),

volume as (
    {% include "quality/volume.sql" %}
),

reread as (
    {% include "quality/reread.sql" %}
)

select
    s.*,
    v.*,
    %(as_of_date)s::date - n.day as newest_age_days,
    r.rows_before,
    case when r.rows_before >= %(min_rows)s then s.row_count / r.rows_before end as reread_share
from shares as s
cross join volume as v
cross join newest as n
cross join reread as r
