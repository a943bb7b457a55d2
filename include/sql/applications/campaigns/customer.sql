-- Purpose: the campaigns that a customer is part of, the newest first.
-- Grain: campaign. Inputs: segments.campaign_members by its index, segments.campaigns.
-- Parameters: customer_id, as_of_date. Read only.
select
    c.campaign_id,
    c.name,
    c.starts_on,
    c.ends_on,
    m.is_control
from segments.campaign_members as m
inner join segments.campaigns as c on m.campaign_id = c.campaign_id
where m.customer_id = %(customer_id)s and c.as_of_date <= %(as_of_date)s and c.cancelled_at is null
order by c.starts_on desc, c.campaign_id
