-- Purpose: when and where each cluster buys: its orders by hour, weekday and channel; published as
--     segment_habits.
-- Grain: cluster, habit and value. Inputs: the staged assignment; core.orders and
--     features.order_without_purchase of the last days.
-- Parameters: as_of_date, days, min_customers; identifiers: assignments. Read only.
-- Caveat: orders that count have a line with quantity > 0 and unit_price > 0 and are not cancelled. A shop
--     that knows days only, whose orders all have one hour, has no rows by hour. What fewer than
--     min_customers customers of the cluster do is left out; the shares of the rest are of all orders.
with binned as not materialized (
    -- customers fall into 64 bins: as many as have somebody are at least there
    select
        cluster,
        customer_id,
        1::bigint << (hashtext(customer_id) & 63) as bin
    from {{ assignments }}
),

placed as not materialized (
    select
        a.cluster,
        a.customer_id,
        a.bin,
        o.local_hour,
        -- 2024-01-01 was a Monday: whole numbers cost less than extract
        1 + mod(mod(o.day - date '2024-01-01', 7) + 7, 7) as weekday,
        o.channel
    from core.orders as o
    inner join binned as a on o.customer_id = a.customer_id
    where
        o.day >= %(as_of_date)s::date - %(days)s and o.day < %(as_of_date)s::date
        and (o.cancelled_on is null or o.cancelled_on >= %(as_of_date)s::date)
        and not exists (
            select from features.order_without_purchase as w
            where
                w.order_id = o.order_id
                and w.day >= %(as_of_date)s::date - %(days)s and w.day < %(as_of_date)s::date
        )
),

together as (
    select
        cluster,
        local_hour,
        weekday,
        channel,
        count(*) as orders,
        bit_or(bin) as bins
    from placed
    group by cluster, local_hour, weekday, channel
),

by_value as (
    select
        t.cluster,
        h.habit,
        h.value,
        sum(t.orders) as orders,
        bit_count(bit_or(t.bins)::bit(64)) as customers_at_least
    from together as t
    cross join
        lateral (
            values
            ('hour', lpad(t.local_hour::text, 2, '0')),
            ('weekday', t.weekday::text),
            ('channel', nullif(btrim(t.channel), ''))
        ) as h (habit, value)
    where h.value is not null
    group by t.cluster, h.habit, h.value
),

doubtful as (
    select
        cluster,
        habit,
        value
    from by_value
    where orders >= %(min_customers)s and customers_at_least < %(min_customers)s
),

-- asked once, and where nothing is doubtful no order is read
in_doubt as (
    select
        b.cluster,
        b.habit,
        b.value,
        count(*) as customers
    from (
        select distinct
            p.cluster,
            h.habit,
            h.value,
            p.customer_id
        from placed as p
        cross join
            lateral (
                values
                ('hour', lpad(p.local_hour::text, 2, '0')),
                ('weekday', p.weekday::text),
                ('channel', nullif(btrim(p.channel), ''))
            ) as h (habit, value)
        inner join doubtful as d on p.cluster = d.cluster and h.habit = d.habit and h.value = d.value
        where exists (select from doubtful)
    ) as b
    group by b.cluster, b.habit, b.value
),

counted as (
    select
        v.cluster,
        v.habit,
        v.value,
        v.orders,
        coalesce(d.customers, least(v.customers_at_least, v.orders)) as customers
    from by_value as v
    left join in_doubt as d on v.cluster = d.cluster and v.habit = d.habit and v.value = d.value
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
