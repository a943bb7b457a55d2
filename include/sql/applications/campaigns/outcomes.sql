-- Purpose: what each member of a campaign did while it went on.
-- Grain: member. Inputs: segments.campaign_members, features.customer_day, customer_day_cancelled.
-- Parameters: campaign_id; starts_on, ends_on: both count; as_of_date: nothing on or after it is read, and no
--     cancellation of it or later. Read only.
with days as (
    select
        customer_id,
        orders,
        gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0) as cents
    from features.customer_day
    where day between %(starts_on)s and %(ends_on)s and day < %(as_of_date)s
    union all
    select
        customer_id,
        -orders as orders,
        -(gross_cents - discount_cents - returned_cents) as cents
    from features.customer_day_cancelled
    where
        day between %(starts_on)s and %(ends_on)s and day < %(as_of_date)s
        and cancelled_on < %(as_of_date)s
)

select
    m.segment_id,
    m.is_control::integer as is_control,
    m.covariate,
    coalesce(sum(d.cents), 0) / 100.0 as revenue,
    (coalesce(sum(d.orders), 0) > 0)::integer as buyers
from segments.campaign_members as m
left join days as d on m.customer_id = d.customer_id
where m.campaign_id = %(campaign_id)s  -- noqa: RF02
group by m.campaign_id, m.customer_id
order by m.customer_id
