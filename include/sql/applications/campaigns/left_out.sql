-- Purpose: who is in the control group of a campaign that is not over: to be left out of everything else.
-- Grain: member. Inputs: segments.campaigns, campaign_members, core.customers as it is now.
-- Parameters: as_of_date. Read only.
-- Caveat: addresses regardless of consent: they are to be left out.
select
    m.customer_id,
    case
        when lower(btrim(c.email_sha256)) ~ '^[0-9a-f]{64}$' then lower(btrim(c.email_sha256))
    end as email_sha256
from segments.campaigns as p
inner join segments.campaign_members as m on p.campaign_id = m.campaign_id
left join core.customers as c on m.customer_id = c.customer_id and c.valid_to = 'infinity'
where p.cancelled_at is null and p.ends_on >= %(as_of_date)s and m.is_control
order by m.customer_id, p.campaign_id
