-- Purpose: the fate of a table's rows after cleaning: refused for a fault, put aside as anonymous, merged.
-- Grain: one row, a column a metric; broken_share is the higher of the whole window's and its newest day's.
-- Inputs: core.row_counts of the run; quarantine and staging of the newest day.
-- Parameters: run_id, first (null: all history), end, min_rows, no_fault (rules that say what a row is, not that it is wrong);
--     identifiers: table, has_customers (whether the source lists its customers).
-- Re-run: reads only.
with fates as (
    select
        c.rows_in,
        c.merged,
        c.quarantined,
        coalesce(r.anonymous, 0) as anonymous,
        coalesce(r.orphans, 0) as orphans
    from core.row_counts as c
    cross join lateral (
        select
            sum(value::bigint) filter (where key = any(%(no_fault)s)) as anonymous,
            sum(value::bigint) filter (where key = 'order_unknown') as orphans
        from jsonb_each_text(c.rules)
    ) as r
    where c.run_id = %(run_id)s and c.table_name = '{{ table }}'
),

newest_day as (
    select
        (select count(*) from staging.{{ table }} where day = %(end)s::date - 1) as rows_in,
        (
            select count(*) from quarantine.{{ table }}
            where day = %(end)s::date - 1 and rule <> all(%(no_fault)s)
        ) as broken
){% if table == "orders" and has_customers %},

strangers as (
    select
        count(*) as order_count,
        count(*) filter (where c.customer_id is null) as of_strangers
    from core.orders as o
    left join (select distinct customer_id from core.customers) as c on o.customer_id = c.customer_id
    where o.day >= coalesce(%(first)s::date, '-infinity') and o.day < %(end)s::date
){% endif %}

select
    f.rows_in,
    f.quarantined - f.anonymous as rows_broken,
    f.anonymous as rows_anonymous,
    f.merged as rows_merged,
    greatest(
        (f.quarantined - f.anonymous)::double precision / nullif(f.rows_in, 0),
        case when n.rows_in >= %(min_rows)s then n.broken::double precision / n.rows_in end
    ) as broken_share,
    f.anonymous::double precision / nullif(f.rows_in, 0) as anonymous_share,
    f.merged::double precision / nullif(f.rows_in, 0) as duplicate_share,
    f.orphans as rows_orphaned,
    f.orphans::double precision / nullif(f.rows_in, 0) as orphan_share
    {%- if table == "orders" and has_customers %},
    (select of_strangers from strangers) as rows_of_strangers,
    (select of_strangers::double precision / nullif(order_count, 0) from strangers) as unknown_customer_share
    {%- endif %}
from fates as f
cross join newest_day as n
