-- Purpose: the fate of a table's rows after cleaning: refused for a fault, put aside as anonymous, merged.
-- Grain: one row, a column a metric; broken_share is the higher of the whole window's and its newest day's.
-- Inputs: core.row_counts of the run; quarantine and staging of the newest day.
-- Parameters: run_id, table_name, end, min_rows, no_fault (rules that say what a row is, not that it is
--     wrong); identifier: table.
-- Re-run: reads only.
with fates as (
    select
        rows_in,
        merged,
        quarantined,
        rules
    from core.row_counts
    where run_id = %(run_id)s and table_name = %(table_name)s
),

by_rule as (
    select
        r.key as rule,
        r.value::bigint as row_count
    from fates as f
    cross join lateral jsonb_each_text(f.rules) as r
),

rules as (
    select
        coalesce(sum(row_count) filter (where rule = any(%(no_fault)s)), 0) as anonymous,
        coalesce(sum(row_count) filter (where rule = 'order_unknown'), 0) as orphans
    from by_rule
),

newest_day as (
    select case when row_count >= %(min_rows)s then row_count end as row_count
    from (
        select count(*) as row_count from staging.{{ table }} where day = %(end)s::date - 1
    ) as counted
),

newest_broken as (
    select count(*) as row_count
    from quarantine.{{ table }}
    where day = %(end)s::date - 1 and rule <> all(%(no_fault)s)
)

select
    f.rows_in,
    f.quarantined - r.anonymous as rows_broken,
    r.anonymous as rows_anonymous,
    f.merged as rows_merged,
    r.orphans as rows_orphaned,
    greatest(
        (f.quarantined - r.anonymous)::double precision / nullif(f.rows_in, 0),
        b.row_count::double precision / n.row_count
    ) as broken_share,
    r.anonymous::double precision / nullif(f.rows_in, 0) as anonymous_share,
    f.merged::double precision / nullif(f.rows_in, 0) as duplicate_share,
    r.orphans::double precision / nullif(f.rows_in, 0) as orphan_share
from fates as f
cross join rules as r
cross join newest_day as n
cross join newest_broken as b
