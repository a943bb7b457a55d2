-- Purpose: when and where each cluster buys: its orders by hour, weekday and channel; published as
--     segment_habits.
-- Grain: cluster, habit and value. Inputs: the staged assignment, core.orders, order_items of the last days.
-- Parameters: as_of_date, days, min_customers; identifiers: assignments. Read only.
-- Caveat: orders that count have a line with quantity > 0 and unit_price > 0 and are not cancelled. A shop
--     that knows days only, whose orders all have one hour, has no rows by hour. What fewer than
--     min_customers customers of the cluster do is left out; the shares of the rest are of all orders.
with placed as (
    select
        a.cluster,
        a.customer_id,
        lpad(o.local_hour::text, 2, '0') as hour,
        extract(isodow from o.day)::text as weekday,
        nullif(btrim(o.channel), '') as channel,
        count(*) as orders
    from core.orders as o
    inner join {{ assignments }} as a on o.customer_id = a.customer_id
    where
        o.day >= %(as_of_date)s::date - %(days)s and o.day < %(as_of_date)s::date
        and (o.cancelled_on is null or o.cancelled_on >= %(as_of_date)s::date)
        and exists (
            select from core.order_items as i
            where i.order_id = o.order_id and i.quantity > 0 and i.unit_price > 0
        )
    group by a.cluster, a.customer_id, o.local_hour, weekday, channel
),

by_customer as (
    select
        p.cluster,
        h.habit,
        h.value,
        p.customer_id,
        sum(p.orders) as orders
    from placed as p
    cross join
        lateral (values ('hour', p.hour), ('weekday', p.weekday), ('channel', p.channel)) as h (habit, value)
    where h.value is not null
    group by p.cluster, h.habit, h.value, p.customer_id
),

counted as (
    select
        cluster,
        habit,
        value,
        sum(orders) as orders,
        count(*) as customers
    from by_customer
    group by cluster, habit, value
),

shares as (
    select
        cluster,
        habit,
        value,
        orders,
        customers,
        orders / sum(orders) over (partition by cluster, habit) as share,
        sum(orders) over (partition by habit, value) / sum(orders) over (partition by habit) as share_all
    from counted
)

select
    s.cluster,
    s.habit,
    s.value,
    s.orders,
    round(s.share, 6) as share,
    round(s.share_all, 6) as share_all
from shares as s
where
    s.customers >= %(min_customers)s
    and (s.habit <> 'hour' or (select count(distinct c.value) from counted as c where c.habit = 'hour') > 1)
order by s.cluster, s.habit, s.value
