-- Purpose: the newest results of a campaign, with the names of its segments as they are now.
-- Grain: segment (null: all), metric. Inputs: segments.campaign_results, segment_versions, segment_name_overrides.
-- Parameters: campaign_id, until: results of later dates do not count (null: all do). Read only.
with newest as (
    select max(r.as_of_date) as as_of_date
    from segments.campaign_results as r
    where
        r.campaign_id = %(campaign_id)s
        and r.as_of_date <= coalesce(%(until)s::date, 'infinity')
),

names as (
    select distinct on (v.segment_id)
        v.segment_id,
        coalesce(o.name, v.generated_name, v.name) as name
    from segments.segment_versions as v
    left join segments.segment_name_overrides as o on v.segment_id = o.segment_id
    order by v.segment_id asc, v.as_of_date desc
)

select
    r.*,
    s.name as segment_name
from segments.campaign_results as r
inner join newest as n on r.as_of_date = n.as_of_date
left join names as s on r.segment_id = s.segment_id
where r.campaign_id = %(campaign_id)s  -- noqa: RF02
order by r.segment_id nulls first, r.metric desc
