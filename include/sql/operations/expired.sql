-- Purpose: the dates that have partitions, and whether these have expired.
-- Grain: as_of_date that has a partition of segments.customer_segments or features.customer_features.
-- Inputs: the catalogue, segments.runs. Parameters: newest: the newest published date; assignments_from,
--     month_ends_from, features_from: the first date of which each is kept.
-- Re-run: reads only.
-- Caveats: the last published date of a month is its month-end. What the newest date was made from stays,
--     and so does a date after it (a run that is under way).
with kept as (
    select
        date_trunc('month', as_of_date) as month,
        max(as_of_date) as month_end
    from segments.runs
    where status = 'published' and dropped_at is null
    group by date_trunc('month', as_of_date)
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
    and p.as_of_date < %(assignments_from)s
    and (k.month_end is distinct from p.as_of_date or p.as_of_date < %(month_ends_from)s) as is_segments,
    p.has_features
    and p.as_of_date < %(newest)s
    and (p.as_of_date is distinct from parent.as_of_date)
    and p.as_of_date < %(features_from)s as is_features
from partitions as p
cross join parent
left join kept as k on p.as_of_date = k.month_end
order by p.as_of_date
