-- Purpose: what became of both groups of a campaign since it was made.
-- Grain: campaign, group. Inputs: segments.campaigns, campaign_members, membership; features.customer_day,
--     customer_day_cancelled.
-- Parameters: campaign_id, as_of_date: nothing on or after it is read. Read only.
-- Caveat: `moved` is null where membership does not know the campaign's own date.
with campaign as (
    select
        *,
        least(starts_on, %(as_of_date)s::date) as until,
        c.as_of_date in (
            select d.as_of_date
            from segments.membership_dates as d
            where d.is_published
        ) as is_followed
    from segments.campaigns as c
    where campaign_id = %(campaign_id)s
),

days as (
    select
        d.customer_id,
        d.orders
    from features.customer_day as d
    cross join campaign as c
    where d.day >= c.as_of_date and d.day < c.until
    union all
    select
        d.customer_id,
        -d.orders as orders
    from features.customer_day_cancelled as d
    cross join campaign as c
    where d.day >= c.as_of_date and d.day < c.until and d.cancelled_on < %(as_of_date)s
),

bought as (
    select customer_id
    from days
    group by customer_id
    having sum(orders) > 0
),

looked_at as (
    select
        m.is_control,
        m.covariate,
        b.customer_id is not null as has_bought,
        coalesce(s.segment_id, -1) <> m.segment_id as has_moved
    from segments.campaign_members as m
    cross join campaign as c
    left join bought as b on m.customer_id = b.customer_id
    left join segments.membership as s
        on m.customer_id = s.customer_id and c.until >= s.valid_from and c.until < s.valid_to
    where m.campaign_id = %(campaign_id)s  -- noqa: RF02
),

counted as (
    select
        is_control,
        count(*) as there,
        count(*) filter (where has_bought) as bought_before,
        count(*) filter (where has_moved) as moved,
        avg(covariate) as covariate_mean
    from looked_at
    group by is_control
)

select
    g.is_control,
    g.customers,
    g.customers - coalesce(n.there, 0) as erased,
    coalesce(n.bought_before, 0) as bought_before,
    case when c.is_followed then coalesce(n.moved, 0) end as moved,
    n.covariate_mean
from campaign as c
cross join lateral (values (false, c.treated), (true, c.control)) as g (is_control, customers)
left join counted as n on g.is_control = n.is_control
order by g.is_control
