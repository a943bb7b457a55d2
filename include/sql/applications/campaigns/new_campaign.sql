-- Purpose: the row of a campaign that is being made; sizes and detectable effect follow (sight.sql).
-- Grain: campaign. Parameters: those named below. Re-run: refused by the key; groups.py asks before.
insert into segments.campaigns
(
    campaign_id, name, segment_ids, starts_on, ends_on, held_out, as_of_date, run_id, made_by, note, covariate,
    audience_id, conditions, treated, control
)
values
(
    %(campaign_id)s, %(name)s, %(segment_ids)s, %(starts_on)s, %(ends_on)s, %(held_out)s, %(as_of_date)s,
    %(run_id)s, %(by)s, %(note)s, %(covariate)s,
    %(audience_id)s, %(conditions)s::jsonb, 0, 0
)
