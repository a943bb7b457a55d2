-- Purpose: the share and number of a table's rows that each row rule refused.
-- Grain: one row; `metrics` has refused_share_<rule> and refused_rows_<rule> of every rule. The share is the
--     higher of the whole window's and its newest day's, as broken_share is.
-- Inputs: core.row_counts of the run; quarantine and staging of the newest day.
-- Parameters: run_id, table_name, end, min_rows, rules; identifier: table.
-- Re-run: reads only.
with fates as (
    select
        c.rows_in,
        names.rule,
        coalesce((c.rules ->> names.rule)::bigint, 0) as refused_rows
    from core.row_counts as c
    cross join unnest(%(rules)s::text[]) as names (rule)
    where c.run_id = %(run_id)s and c.table_name = %(table_name)s
),

newest_day as (
    select case when row_count >= %(min_rows)s then row_count end as row_count
    from (
        select count(*) as row_count from staging.{{ table }} where day = %(end)s::date - 1
    ) as counted
),

newest_refused as (
    select
        rule,
        count(*) as row_count
    from quarantine.{{ table }}
    where day = %(end)s::date - 1
    group by rule
),

by_rule as (
    select
        f.rule,
        f.refused_rows,
        greatest(
            f.refused_rows::double precision / nullif(f.rows_in, 0),
            coalesce(q.row_count, 0)::double precision / n.row_count
        ) as refused_share
    from fates as f
    cross join newest_day as n
    left join newest_refused as q on f.rule = q.rule
)

select
    coalesce(
        jsonb_object_agg('refused_rows_' || rule, refused_rows)
        || jsonb_object_agg('refused_share_' || rule, refused_share),
        '{}'
    ) as metrics
from by_rule
