-- Purpose: the dates that have partitions, and whether these have expired.
-- Grain: as_of_date that has a partition of segments.customer_segments or features.customer_features.
-- Inputs: the catalogue, segments.runs. Parameters: newest: the newest published date; daily_from: the first date
--     from which each is kept; assignments_from, month_ends_from, features_from: the first date of which any is.
-- Re-run: reads only.
-- Caveats: the last published date of a week is its week-end, that of a month its month-end. What the newest date
--     was made from stays, and so does a date after it (a run that is under way).
with published as (
    select as_of_date
    from segments.runs
    where status = 'published' and dropped_at is null
),

month_ends as (
    select max(as_of_date) as as_of_date
    from published
    group by date_trunc('month', as_of_date)
),

week_ends as (
    select max(as_of_date) as as_of_date
    from published
    group by date_trunc('week', as_of_date)
),

partitions as (
    select
        to_date(right(c.relname, 8), 'YYYYMMDD') as as_of_date,
        bool_or(n.nspname = 'segments') as has_segments,
        bool_or(n.nspname = 'features') as has_features
    from pg_class as c
    inner join pg_namespace as n on c.relnamespace = n.oid
    where
        c.relkind = 'r'
        and (
            n.nspname = 'segments' and c.relname ~ '^customer_segments_[0-9]{8}$'
            or n.nspname = 'features' and c.relname ~ '^customer_features_[0-9]{8}$'
        )
    group by to_date(right(c.relname, 8), 'YYYYMMDD')
),

parent as (
    select max(parent_as_of_date) as as_of_date
    from segments.runs
    where status = 'published' and as_of_date = %(newest)s
)

select
    p.as_of_date,
    p.has_segments,
    p.has_features,
    p.has_segments
    and p.as_of_date < %(newest)s
    and (p.as_of_date is distinct from parent.as_of_date)
    and (p.as_of_date < %(daily_from)s and w.as_of_date is null or p.as_of_date < %(assignments_from)s)  -- noqa: RF02
    and (m.as_of_date is null or p.as_of_date < %(month_ends_from)s) as is_segments,
    p.has_features
    and p.as_of_date < %(newest)s
    and (p.as_of_date is distinct from parent.as_of_date)
    and (p.as_of_date < %(daily_from)s and w.as_of_date is null or p.as_of_date < %(features_from)s)  -- noqa: RF02
        as is_features
from partitions as p
cross join parent
left join month_ends as m on p.as_of_date = m.as_of_date
left join week_ends as w on p.as_of_date = w.as_of_date
order by p.as_of_date
