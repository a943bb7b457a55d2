-- Purpose: when and where each segment buys: its orders by hour, weekday and channel.
-- Grain: segment, habit and value, for one as_of_date.
-- Inputs: the staged partition, core.orders, order_items.
-- Parameters: as_of_date, run_id, days; identifiers: table. The date's rows were deleted before.
-- Caveat: orders that count have a line with quantity > 0 and unit_price > 0 and are not cancelled. A shop
--     that knows days only, whose orders all have one hour, has no rows by hour.
insert into segments.segment_habits
(as_of_date, segment_id, habit, value, run_id, orders, share, share_all)
with placed as (
    select
        t.segment_id,
        lpad(o.local_hour::text, 2, '0') as hour,
        extract(isodow from o.day)::text as weekday,
        nullif(btrim(o.channel), '') as channel,
        count(*) as orders
    from core.orders as o
    inner join {{ table }} as t on o.customer_id = t.customer_id
    where
        o.day >= %(as_of_date)s::date - %(days)s and o.day < %(as_of_date)s::date
        and (o.cancelled_on is null or o.cancelled_on >= %(as_of_date)s::date)
        and exists (
            select from core.order_items as i
            where i.order_id = o.order_id and i.quantity > 0 and i.unit_price > 0
        )
    group by t.segment_id, o.local_hour, weekday, channel
),

counted as (
    select
        p.segment_id,
        h.habit,
        h.value,
        sum(p.orders) as orders
    from placed as p
    cross join
        lateral (values ('hour', p.hour), ('weekday', p.weekday), ('channel', p.channel)) as h (habit, value)
    where h.value is not null
    group by p.segment_id, h.habit, h.value
),

shares as (
    select
        segment_id,
        habit,
        value,
        orders,
        orders / sum(orders) over (partition by segment_id, habit) as share,
        sum(orders) over (partition by habit, value) / sum(orders) over (partition by habit) as share_all
    from counted
)

select
    %(as_of_date)s,
    s.segment_id,
    s.habit,
    s.value,
    %(run_id)s,
    s.orders,
    round(s.share, 6),
    round(s.share_all, 6)
from shares as s
where s.habit <> 'hour' or (select count(distinct c.value) from counted as c where c.habit = 'hour') > 1
