-- Purpose: how many rows the newest day has, and how many it may have, from the same weekday of the eight
--     weeks before: median +- 4 spreads, and always up to three times the median, as a sales day is no fault.
--     A spread is the scaled median absolute deviation; at least a tenth of the median, and at least its
--     square root, the noise of a count. Half of the fewest of the eight is always too few. Also the longest
--     gap between days with rows.
-- Grain: one row. Inputs: staging (nine weeks, by the index on the day). Parameters: end; identifier: table.
-- Re-run: reads only.
-- Caveat: the bounds are unknown (null) until the shop has four such weekdays.
with recent as (
    select
        day,
        count(*) as row_count
    from staging.{{ table }}
    where day >= %(end)s::date - 64 and day < %(end)s::date
    group by day
),

weekdays as (
    select %(end)s::date - 1 - 7 * week as day
    from generate_series(1, 8) as week
    where
        %(end)s::date - 1 - 7 * week
        >= (select min(s.day) from staging.{{ table }} as s where s.day < %(end)s::date)
),

same_weekday as (
    select coalesce(r.row_count, 0)::double precision as row_count
    from weekdays as w
    left join recent as r on w.day = r.day
),

middle as (
    select
        count(*) as weeks,
        min(row_count) as fewest,
        percentile_cont(0.5) within group (order by row_count) as row_count
    from same_weekday
),

spread as (
    select
        greatest(
            1.4826 * percentile_cont(0.5) within group (order by abs(s.row_count - m.row_count)),
            0.1 * max(m.row_count),
            sqrt(max(m.row_count)),
            1
        ) as row_count
    from same_weekday as s
    cross join middle as m
),

gaps as (
    select max(gap) as longest_gap_days
    from (select day - lag(day) over (order by day) as gap from recent) as between_days
),

newest as (
    select coalesce(max(row_count), 0) as newest_day_rows
    from recent
    where day = %(end)s::date - 1
)

select
    n.newest_day_rows,
    case
        when m.weeks >= 4 then greatest(m.row_count - 4 * s.row_count, m.fewest / 2)
    end as newest_day_lowest,
    case
        when m.weeks >= 4 then greatest(m.row_count + 4 * s.row_count, 3 * m.row_count)
    end as newest_day_highest,
    g.longest_gap_days
from newest as n
cross join middle as m
cross join spread as s
cross join gaps as g
