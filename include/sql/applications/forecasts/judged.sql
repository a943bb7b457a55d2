-- Purpose: the published dates whose forecasts can be judged on a date, and could not on its parent.
-- Grain: as_of_date of segments.customer_forecasts. Parameters: as_of_date; parent: the parent date (null: none);
--     days: the horizon. Re-run: reads only.
select
    r.as_of_date,
    m.common_spread,
    m.own_spread,
    m.horizon_days
from segments.runs as r
inner join segments.forecast_models as m on r.as_of_date = m.as_of_date
where
    r.status = 'published' and r.dropped_at is null
    and r.as_of_date + m.horizon_days <= %(as_of_date)s::date
    and r.as_of_date + m.horizon_days > coalesce(%(parent)s::date, '-infinity')
group by r.as_of_date, m.common_spread, m.own_spread, m.horizon_days
order by r.as_of_date
