-- Purpose: the campaigns that a date tells of: begun before it, and ended not long ago.
-- Grain: campaign. Inputs: segments.campaigns. Parameters: as_of_date, settle_days. Read only.
select *
from segments.campaigns
where
    as_of_date < %(as_of_date)s and starts_on < %(as_of_date)s and cancelled_at is null
    and ends_on + %(settle_days)s >= %(as_of_date)s
order by campaign_id
