-- Purpose: what was forecast of segments and what came, of the newest published date that a date judges.
-- Grain: segment. Parameters: as_of_date. Re-run: reads only.
select
    b.forecast_date,
    b.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    b.customers,
    b.expected_spend,
    b.expected_spend_low,
    b.expected_spend_high,
    b.actual_spend
from segments.forecast_backtests as b
inner join segments.segment_versions as v on b.forecast_date = v.as_of_date and b.segment_id = v.segment_id
left join segments.segment_name_overrides as o on b.segment_id = o.segment_id
where
    b.as_of_date = %(as_of_date)s and b.segment_id is not null
    and b.forecast_date = (
        select max(n.forecast_date)
        from segments.forecast_backtests as n
        where n.as_of_date = %(as_of_date)s and n.segment_id is not null
    )
order by b.actual_spend desc, b.segment_id
