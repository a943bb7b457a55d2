-- Purpose: what the customers of segments did in as many days before as a campaign will have, and what was known
--     of them before that: how much of spend is unknown beforehand.
-- Grain: customer. Inputs: segments.membership, features.customer_day, customer_day_cancelled.
-- Parameters: segment_ids; then, as_of_date: the days from one to before the other; held_from: 90 days before
--     `then`; looked_at: the date whose segments are meant; low_0, high_0, ... of the conditions of a saved
--     audience, of which the features of that date are asked; identifier: conditions (on features, f; true:
--     none). Read only.
-- Caveat: who was in the segments then: customers who are in them now are so because of what they did in these days.
with members as (
    select m.customer_id
    from segments.membership as m
    left join features.customer_features as f
        on f.as_of_date = %(looked_at)s and m.customer_id = f.customer_id  -- noqa: RF02
    where
        m.segment_id = any(%(segment_ids)s::integer[])  -- noqa: RF02
        and m.valid_from <= %(looked_at)s and m.valid_to > %(looked_at)s  -- noqa: RF02
        and {{ conditions }}
),

days as (
    select
        customer_id,
        day,
        orders,
        gross_cents - coalesce(discount_cents, 0) - coalesce(returned_cents, 0) as cents
    from features.customer_day
    where day >= %(held_from)s and day < %(as_of_date)s
    union all
    select
        customer_id,
        day,
        -orders as orders,
        -(gross_cents - discount_cents - returned_cents) as cents
    from features.customer_day_cancelled
    where
        day >= %(held_from)s and day < %(as_of_date)s
        and cancelled_on < case when day < %(then)s then %(then)s else %(as_of_date)s end
)

select
    coalesce(sum(d.cents) filter (where d.day < %(then)s), 0) / 100.0 as covariate,
    coalesce(sum(d.cents) filter (where d.day >= %(then)s), 0) / 100.0 as revenue,
    (coalesce(sum(d.orders) filter (where d.day >= %(then)s), 0) > 0)::integer as bought
from members as m
left join days as d on m.customer_id = d.customer_id
group by m.customer_id
order by m.customer_id
