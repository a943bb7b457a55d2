-- Purpose: the versions of dates that the webhook was not told of, in order.
-- Grain: as_of_date, at its newest version. Inputs: segments.membership_dates, operations.membership_webhook.
-- Parameters: days: what changed longer ago is told no more. Read only.
select
    d.version,
    d.as_of_date,
    d.run_id,
    d.is_published,
    d.entered,
    d.gone,
    d.moved
from segments.membership_dates as d
left join operations.membership_webhook as w on d.version = w.version
where w.told_at is null and d.changed_at > now() - make_interval(days => %(days)s)
order by d.version
