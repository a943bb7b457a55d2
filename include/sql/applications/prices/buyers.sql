-- Purpose: buyers of the products that were cut, and purchases of their categories, by week and group.
-- Grain: product and week (kind buyers), category and week (kind purchases), and level of a grouping.
-- Inputs: price_purchases and price_cuts (temporary).
-- Re-run: it only reads.
-- Caveat: customers are counted by all their groups together first, which is few rows, and then by each grouping.
with cut as (
    select distinct c.product_id
    from price_cuts as c
),

counted as (
    select
        'buyers' as kind,
        p.product_id as name,
        min(p.category) as category,
        p.week,
        p.tenure,
        p.value,
        p.segment,
        count(*) as customers,
        sum(p.lines) as lines
    from price_purchases as p
    inner join cut on p.product_id = cut.product_id
    group by p.product_id, p.week, p.tenure, p.value, p.segment
    union all
    select
        'purchases' as kind,
        category as name,
        category,
        week,
        tenure,
        value,
        segment,
        count(*) as customers,
        sum(lines) as lines
    from price_purchases
    group by category, week, tenure, value, segment
)

select
    c.kind,
    l.grouping_name,
    l.level,
    c.name,
    min(c.category) as category,
    c.week,
    sum(c.customers) as customers,
    sum(c.lines) as lines
from counted as c
cross join
    lateral (
        values ('tenure', c.tenure), ('value', c.value), ('segment', c.segment)
    ) as l (grouping_name, level)
where l.level is not null
group by c.kind, l.grouping_name, l.level, c.name, c.week
order by c.kind, l.grouping_name, l.level, c.name, c.week
