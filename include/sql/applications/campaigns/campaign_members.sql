-- Purpose: who takes part in a campaign, and who is left alone: of each segment's customers, in the order of a
--     keyed hash of campaign and customer, as many as are to be held out.
-- Grain: customer. Inputs: segments.customer_segments of the date, privacy.secret; `known`: what is known of
--     customers before (features, or forecasts); features of the date where a saved audience is meant.
-- Parameters: campaign_id, as_of_date, segment_ids, held_out, low_0, high_0, ... of the audience's conditions;
--     identifiers: known (a relation of customer_id, as_of_date and the column), column, conditions (on features, f).
-- Re-run: the same customers in the same groups, as long as the warehouse has its key.
-- Caveat: nobody who knows the campaign and the customer can say the group without the key, or choose it.
insert into segments.campaign_members (campaign_id, customer_id, segment_id, is_control, covariate)
with drawn as (
    select
        cs.customer_id,
        cs.segment_id,
        coalesce(k.{{ column }}, 0) as covariate,
        privacy.keyed(%(campaign_id)s || ' ' || cs.customer_id, s.inner_pad, s.outer_pad) as key  -- noqa: RF02
    from segments.customer_segments as cs
    cross join privacy.secret as s
    left join {{ known }} as k on cs.customer_id = k.customer_id and k.as_of_date = %(as_of_date)s
    left join features.customer_features as f
        on f.as_of_date = %(as_of_date)s and cs.customer_id = f.customer_id  -- noqa: RF02
    where
        cs.as_of_date = %(as_of_date)s and cs.segment_id = any(%(segment_ids)s::integer[])  -- noqa: RF02
        and {{ conditions }}
)

select
    %(campaign_id)s,
    customer_id,
    segment_id,
    floor(place * %(held_out)s::numeric) > floor((place - 1) * %(held_out)s::numeric),
    covariate
from (
    select
        *,
        row_number() over (order by segment_id, key) as place
    from drawn
) as ordered
