-- Purpose: the members of a campaign, with the hashed addresses of those whom one may write to.
-- Grain: member. Inputs: segments.campaign_members, core.customers as it is now.
-- Parameters: campaign_id, needs_consent. Read only.
-- Caveat: consent is the newest that is known; who is left alone is so without it. A hash that is none is
--     left out (applications/audiences).
select
    m.customer_id,
    m.segment_id,
    case when m.is_control then 'control' else 'treated' end as arm,
    case
        when lower(btrim(c.email_sha256)) ~ '^[0-9a-f]{64}$' and (m.is_control or c.consent or not %(needs_consent)s)
            then lower(btrim(c.email_sha256))
    end as email_sha256
from segments.campaign_members as m
left join core.customers as c on m.customer_id = c.customer_id and c.valid_to = 'infinity'
where m.campaign_id = %(campaign_id)s  -- noqa: RF02
order by m.customer_id
