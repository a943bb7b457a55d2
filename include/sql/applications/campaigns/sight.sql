-- Purpose: sizes of the groups of a campaign that was just drawn, and how small an effect it can see.
-- Grain: campaign. Parameters: those named below. Re-run: part of the transaction that makes it.
update segments.campaigns
set
    treated = %(treated)s,
    control = %(control)s,
    expected_revenue = %(expected_revenue)s,
    detectable_revenue = %(detectable_revenue)s,
    detectable_share = %(detectable_share)s,
    expected_buyers = %(expected_buyers)s,
    detectable_buyers = %(detectable_buyers)s,
    variance_left = %(variance_left)s
where campaign_id = %(campaign_id)s
