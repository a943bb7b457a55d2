-- Purpose: the segments of a date by the money that is at risk in them.
-- Grain: segment. Parameters: as_of_date. Re-run: reads only.
select
    f.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    f.customers,
    f.expected_buyers,
    f.expected_spend,
    f.expected_spend_low,
    f.expected_spend_high,
    f.expected_spend_365d,
    f.active_customers,
    f.expected_churners,
    f.money_at_risk
from segments.segment_forecasts as f
inner join segments.segment_versions as v on f.as_of_date = v.as_of_date and f.segment_id = v.segment_id
left join segments.segment_name_overrides as o on f.segment_id = o.segment_id
where f.as_of_date = %(as_of_date)s
order by f.money_at_risk desc, f.segment_id
