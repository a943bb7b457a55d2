-- Purpose: what customers bought by week, each with the groups that the customer was in before it.
-- Grain: customer, product and week. Inputs: features.customer_product_day, customer_day;
--     segments.customer_segments of an earlier date.
-- Parameters: as_of_date; first (a Monday), end (a Monday); new_days; sample (customers of 1,000 that take
--     part); members_on (an earlier published date; null: none).
-- Re-run: a temporary table, gone with the transaction.
-- Caveats: a group is what was known before the week: who buys for the first time is new, a value tier is a
--     third of those who had spent something in the twelve months before the month, and a segment is the one
--     of the earlier date, from the week after it on. A segment of the date itself would be decided by the
--     very purchases that are counted.
create temp table price_purchases on commit drop as
with sampled as (
    select
        customer_id,
        min(day) as first_day
    from features.customer_day
    where
        day < %(as_of_date)s::date and orders > 0
        and mod(abs(hashtextextended(customer_id, 15)), 1000) < %(sample)s
    group by customer_id
),

bought as (
    select
        p.customer_id,
        p.product_id,
        coalesce(p.category, '') as category,
        (p.day - %(first)s::date) / 7 as week,
        date_trunc('month', min(p.day))::date as month,
        min(p.day) - s.first_day < %(new_days)s as is_new,
        sum(coalesce(p.lines, 1)) as lines
    from features.customer_product_day as p
    inner join sampled as s on p.customer_id = s.customer_id
    where
        p.day >= %(first)s::date and p.day < %(end)s::date
        and mod(abs(hashtextextended(p.customer_id, 15)), 1000) < %(sample)s -- before the join: most are of others
        and (p.cancelled_on is null or p.cancelled_on >= %(as_of_date)s::date)
    group by
        p.customer_id, p.product_id, coalesce(p.category, ''), (p.day - %(first)s::date) / 7, s.first_day
),

months as (
    select
        d.customer_id,
        date_trunc('month', d.day)::date as month,
        sum(d.gross_cents - coalesce(d.discount_cents, 0)) as spent_cents
    from features.customer_day as d
    inner join sampled as s on d.customer_id = s.customer_id
    where
        d.day >= %(first)s::date - 400 and d.day < %(end)s::date and d.orders > 0
        and mod(abs(hashtextextended(d.customer_id, 15)), 1000) < %(sample)s
    group by d.customer_id, date_trunc('month', d.day)::date
),

before as (
    select
        customer_id,
        month,
        sum(spent_cents) over (
            partition by customer_id
            order by month
            range between interval '12 months' preceding and interval '1 month' preceding
        ) as spent_cents
    from months
),

bounds as (
    select percentile_disc(array[1 / 3.0, 2 / 3.0]) within group (order by spent_cents) as thirds
    from before
    where spent_cents > 0 and month >= %(first)s::date
)

select
    b.customer_id,
    b.product_id,
    b.category,
    b.week,
    b.lines,
    case when b.is_new then 'new' else 'existing' end as tenure,
    case
        when v.spent_cents > 0
            then (array['low', 'middle', 'high'])[1 + width_bucket(v.spent_cents, bounds.thirds)]
    end as value,
    case when %(first)s::date + 7 * b.week > %(members_on)s::date then m.segment_id::text end as segment
from bought as b
cross join bounds
left join before as v on b.customer_id = v.customer_id and b.month = v.month
left join segments.customer_segments as m
    on b.customer_id = m.customer_id and m.as_of_date = %(members_on)s::date
