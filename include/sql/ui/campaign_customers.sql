-- Purpose: the customers of one group of a campaign, as a file for a CRM.
-- Grain: customer. Inputs: segments.campaign_members. Parameters: campaign_id, is_control. Read only.
select
    customer_id,
    segment_id
from segments.campaign_members
where campaign_id = %(campaign_id)s and is_control = %(is_control)s
order by customer_id
