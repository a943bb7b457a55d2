-- Purpose: what the newest days add up to, against the days before them. Of each measure (rows, revenue): its
--     value, what the same weekday of the eight weeks before allows (median +- 4 spreads, and always up to
--     three times the median, as a sales day is no fault), and what nobody would believe: beyond
--     max_volume_factor times the ordinary and twice the highest day of 400. Of each level (mean logarithm of
--     prices and of quantities): its value, the median of the days before, and their spread.
--     A spread is the scaled median absolute deviation; of a volume at least a tenth of the median, and at
--     least its square root, the noise of a count; of a level at least .1. Half of the fewest of the eight is
--     always too few. Also the longest gap between days with rows.
-- Grain: one row, a JSON of metrics. Inputs: staging (ten weeks, by the index on the day; 400 days only when
--     a day looks absurd).
-- Parameters: since, end: the days to judge, those not cleaned yet and at least the newest; the worst of them
--     is told; measures; max_volume_factor. Identifiers: table, figures (JSON of aggregates, by measure).
-- Re-run: reads only.
-- Caveat: the bounds of a weekday are unknown until the shop has four of them, all others until it has seven
--     days with rows.
with recent as (
    select
        day,
        {{ figures }} as by_measure
    from staging.{{ table }}
    where day >= %(since)s::date - 64 and day < %(end)s::date
    group by day
),

limits as (
    select %(max_volume_factor)s::double precision as volume_factor
),

measures as (
    select unnest(%(measures)s::text[]) as measure
),

recent_values as (
    select
        r.day,
        f.key as measure,
        f.value::double precision as value
    from recent as r
    cross join lateral jsonb_each_text(r.by_measure) as f
),

judged_days as (
    select
        m.measure,
        d::date as day
    from generate_series(%(since)s::date, %(end)s::date - 1, interval '1 day') as d
    cross join measures as m
),

born as (
    select min(day) as day
    from staging.{{ table }}
    where day < %(end)s::date
),

same_weekday as (
    select
        j.measure,
        j.day,
        coalesce(v.value, 0) as value
    from judged_days as j
    cross join generate_series(1, 8) as week
    left join recent_values as v on j.measure = v.measure and (j.day - 7 * week) = v.day
    where j.day - 7 * week >= (select b.day from born as b)
),

weekday_middle as (
    select
        measure,
        day,
        count(*) as weeks,
        min(value) as fewest,
        percentile_cont(0.5) within group (order by value) as value
    from same_weekday
    group by measure, day
),

weekday_spread as (
    select
        m.measure,
        m.day,
        m.weeks,
        m.fewest,
        m.value,
        greatest(
            1.4826 * percentile_cont(0.5) within group (order by abs(s.value - m.value)),
            0.1 * m.value,
            sqrt(greatest(m.value, 0)),
            1
        ) as spread
    from weekday_middle as m
    inner join same_weekday as s on m.measure = s.measure and m.day = s.day
    group by m.measure, m.day, m.weeks, m.fewest, m.value
),

earlier_middle as (
    select
        j.measure,
        j.day,
        count(*) as days,
        percentile_cont(0.5) within group (order by v.value) as value
    from judged_days as j
    inner join recent_values as v on j.measure = v.measure and j.day > v.day and j.day - 64 <= v.day
    group by j.measure, j.day
),

earlier_spread as (
    select
        m.measure,
        m.day,
        m.days,
        m.value,
        greatest(1.4826 * percentile_cont(0.5) within group (order by abs(v.value - m.value)), 0.1) as spread
    from earlier_middle as m
    inner join recent_values as v on m.measure = v.measure and m.day > v.day and m.day - 64 <= v.day
    where v.value is not null
    group by m.measure, m.day, m.days, m.value
),

compared as (
    select
        j.measure,
        j.day,
        coalesce((r.by_measure ->> 'rows')::bigint, 0) as day_rows,
        (r.by_measure ->> j.measure)::double precision as value,
        case when w.weeks >= 4 then greatest(w.value - 4 * w.spread, w.fewest / 2) end as lowest,
        case when w.weeks >= 4 then greatest(w.value + 4 * w.spread, 3 * w.value) end as highest,
        case
            when e.days >= 7
                then l.volume_factor * greatest(e.value, case when w.weeks >= 4 then w.value end)
        end as ordinary,
        case when e.days >= 7 then e.value end as usual,
        case when e.days >= 7 then e.spread end as usual_spread
    from judged_days as j
    cross join limits as l
    left join recent as r on j.day = r.day
    left join weekday_spread as w on j.measure = w.measure and j.day = w.day
    left join earlier_spread as e on j.measure = e.measure and j.day = e.day
),

bounded as (
    select
        c.*,
        case
            -- the year is read only when a day looks absurd
            when c.measure in ('rows', 'revenue') and c.value > c.ordinary
                then greatest(c.ordinary, 2 * (
                    select max((y.by_measure ->> c.measure)::double precision)
                    from (
                        select {{ figures }} as by_measure
                        from staging.{{ table }}
                        where day >= c.day - 400 and day < c.day
                        group by day
                    ) as y
                ))
            else c.ordinary
        end as absurd
    from compared as c
),

worst as (
    select distinct on (measure) *
    from bounded
    order by
        measure asc,
        coalesce(value > absurd, false) desc,
        coalesce(coalesce(value, 0) not between lowest and highest and lowest is not null, false) desc,
        abs((value - usual) / usual_spread) desc nulls last,
        day desc
),

gaps as (
    select max(gap) as longest_gap_days
    from (
        select day - lag(day) over (order by day) as gap from recent
    ) as between_days
),

named as (
    select
        'newest_day_' || w.measure || n.suffix as metric,
        n.value
    from worst as w
    cross join
        lateral unnest(
            array['', '_day_rows', '_lowest', '_highest', '_absurd', '_usual', '_spread'],
            array[
                case when w.measure in ('rows', 'revenue') then coalesce(w.value, 0) else w.value end,
                w.day_rows,
                w.lowest,
                w.highest,
                w.absurd,
                w.usual,
                w.usual_spread
            ]
        ) as n (suffix, value)
    where w.measure in ('rows', 'revenue') or n.suffix in ('', '_day_rows', '_usual', '_spread')
)

select jsonb_object_agg(n.metric, n.value) || (select to_jsonb(g) from gaps as g) as metrics
from named as n
