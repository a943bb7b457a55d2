-- Purpose: who moved between the parent date and this one, with the names of both sides.
-- Grain: from, to; from null: new customers; to null: customers no longer there.
-- Inputs: segments.segment_migrations, segments.segment_versions of both dates, names given by people.
-- Parameters: as_of_date, run_id, parent_as_of_date (may be null). Read only.
select
    m.from_segment_id,
    coalesce(from_given.name, before.name) as from_name,
    m.to_segment_id,
    coalesce(to_given.name, after.name) as to_name,
    m.customers,
    m.revenue_365d
from segments.segment_migrations as m
left join segments.segment_versions as before
    on m.from_segment_id = before.segment_id and before.as_of_date = %(parent_as_of_date)s
left join segments.segment_versions as after
    on m.to_segment_id = after.segment_id and after.as_of_date = %(as_of_date)s
left join segments.segment_name_overrides as from_given
    on m.from_segment_id = from_given.segment_id
left join segments.segment_name_overrides as to_given
    on m.to_segment_id = to_given.segment_id
where m.as_of_date = %(as_of_date)s and m.run_id = %(run_id)s
order by m.customers desc, m.from_segment_id nulls last, m.to_segment_id nulls last
