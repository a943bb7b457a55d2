-- Purpose: how many rows the newest day has, and how many it may have, from the same weekday of the eight
--     weeks before: median +- 4 spreads. A spread is the scaled median absolute deviation; at least a tenth of
--     the median, and at least its square root, the noise of a count. Also the longest gap between days with rows.
-- Grain: one row. Inputs: recent (CTE: day, row_count of 64 days), since (CTE: first_day). Parameters: end.
-- Caveat: the bounds are unknown (null) until the shop has four such weekdays.
with same_weekday as (
    select coalesce(r.row_count, 0)::double precision as row_count
    from generate_series(1, 8) as week
    cross join since
    left join recent as r on r.day = %(end)s::date - 1 - 7 * week
    where %(end)s::date - 1 - 7 * week >= since.first_day
),

middle as (
    select
        count(*) as weeks,
        percentile_cont(0.5) within group (order by row_count) as value
    from same_weekday
),

spread as (
    select
        greatest(
            1.4826 * percentile_cont(0.5) within group (order by abs(s.row_count - m.value)),
            0.1 * max(m.value),
            sqrt(max(m.value)),
            1
        ) as value
    from same_weekday as s
    cross join middle as m
),

gaps as (
    select max(gap) as longest
    from (select day - lag(day) over (order by day) as gap from recent) as between_days
)

select
    (select coalesce(max(row_count), 0) from recent where day = %(end)s::date - 1) as newest_day_rows,
    case when m.weeks >= 4 then greatest(m.value - 4 * s.value, 0) end as newest_day_lowest,
    case when m.weeks >= 4 then m.value + 4 * s.value end as newest_day_highest,
    gaps.longest as longest_gap_days
from middle as m
cross join spread as s
cross join gaps
