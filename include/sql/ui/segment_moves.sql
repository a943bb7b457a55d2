-- Purpose: who came into a segment since the date before, and who left it.
-- Grain: other segment (null: not there). Inputs: segments.segment_migrations, versions, names by people.
-- Parameters: as_of_date, segment_id. Read only.
select
    m.from_segment_id <> %(segment_id)s or m.from_segment_id is null as is_arrival,
    case
        when m.from_segment_id = %(segment_id)s then m.to_segment_id else m.from_segment_id
    end as other_segment_id,
    sum(m.customers)::integer as customers,
    sum(m.revenue_365d)::double precision as revenue
from segments.segment_migrations as m
where
    m.as_of_date = %(as_of_date)s
    and m.from_segment_id is distinct from m.to_segment_id
    and %(segment_id)s in (m.from_segment_id, m.to_segment_id)
group by is_arrival, other_segment_id
order by is_arrival desc, customers desc, other_segment_id nulls last
