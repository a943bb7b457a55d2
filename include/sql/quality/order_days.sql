-- Purpose: at which hours, and in which currencies, the newest days' orders were placed, against the weeks
--     before.
--     clock_shift_hours: by how many hours (3 and more, else 0) the clock must be turned for the newest day
--     to look as the days before, where that makes it clearly likelier: by more than 8 in the logarithm, and
--     by .1 an order. hours_missing_share: the share of orders that usually come before the first, or after
--     the last, order of the newest day. unusual_currency_share: orders in a currency that less than one in
--     a hundred had.
-- Grain: one row, a column a metric. Inputs: staging.orders (nine weeks, by the index on the day, one pass).
-- Parameters: since, end: the days to judge (of the clock: the newest only); timezone.
-- Re-run: reads only.
-- Caveat: null when there are fewer than seven days before, or nothing to compare.
with placed as (
    select
        day,
        date_part('hour', ordered_at at time zone %(timezone)s)::integer as hour,
        currency,
        count(*) as orders
    from staging.orders
    where day >= %(since)s::date - 64 and day < %(end)s::date
    group by day, hour, currency
),

-- the few ways to write a currency are made one after counting, not in every row
counted as (
    select
        day,
        hour,
        nullif(upper(btrim(currency)), '') as currency,
        orders
    from placed
),

known as (
    select count(distinct day) >= 7 as is_known
    from counted
    where day < %(since)s::date
),

hours as (
    select
        h.hour,
        coalesce(sum(c.orders) filter (where c.day < %(since)s::date), 0)::double precision as before,
        coalesce(sum(c.orders) filter (where c.day = %(end)s::date - 1), 0)::double precision as newest
    from generate_series(0, 23) as h (hour)
    left join counted as c on h.hour = c.hour
    group by h.hour
),

-- half an order an hour more, so that an hour nobody orders in is not impossible
usual as (
    select
        hour,
        (before + 0.5) / sum(before + 0.5) over () as share
    from hours
),

shifted as (
    select
        s.shift,
        sum(h.newest * ln(u.share)) as likelihood
    from generate_series(-11, 12) as s (shift)
    cross join hours as h
    inner join usual as u on u.hour = mod(h.hour - s.shift + 24, 24)
    group by s.shift
),

clock as (
    select b.shift
    from shifted as b
    inner join shifted as as_ever on as_ever.shift = 0
    where
        abs(b.shift) >= 3
        and b.likelihood - as_ever.likelihood > greatest(8, 0.1 * (select sum(h.newest) from hours as h))
    order by b.likelihood desc, abs(b.shift) asc
    limit 1
),

ends as (
    select
        min(hour) filter (where newest > 0) as first_hour,
        max(hour) filter (where newest > 0) as last_hour,
        sum(newest) as orders
    from hours
),

missing as (
    select
        greatest(
            sum(h.before) filter (where h.hour < e.first_hour),
            sum(h.before) filter (where h.hour > e.last_hour),
            0
        ) / nullif(sum(h.before), 0) as share
    from hours as h
    cross join ends as e
    where e.orders > 0
),

currencies as (
    select
        currency,
        coalesce(sum(orders) filter (where day < %(since)s::date), 0) as before,
        coalesce(sum(orders) filter (where day >= %(since)s::date), 0) as newest
    from counted
    where currency is not null
    group by currency
),

unusual as (
    select
        sum(newest) filter (where before < 0.01 * total) as orders,
        sum(newest) as of_orders
    from (
        select
            *,
            sum(before) over () as total
        from currencies
    ) as totalled
    where total > 0
)

select
    e.orders as newest_day_orders,
    case when k.is_known and e.orders > 0 then coalesce(c.shift, 0) end as clock_shift_hours,
    case when k.is_known then m.share end as hours_missing_share,
    case when k.is_known then coalesce(u.orders, 0) end as unusual_currency_orders,
    case when k.is_known then coalesce(u.orders, 0) / nullif(u.of_orders, 0) end as unusual_currency_share
from known as k
cross join ends as e
cross join missing as m
cross join unusual as u
left join clock as c on true
