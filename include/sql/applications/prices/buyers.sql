-- Purpose: buyers of the products that were cut, and purchases of their categories, by week and group.
-- Grain: product and week (kind buyers), category and week (kind purchases), and level of a grouping.
-- Inputs: price_purchases and price_cuts (temporary).
-- Re-run: it only reads.
with levels as (
    select
        p.product_id,
        p.category,
        p.week,
        p.lines,
        l.grouping_name,
        l.level
    from price_purchases as p
    cross join
        lateral (
            values ('tenure', p.tenure), ('value', p.value), ('segment', p.segment)
        ) as l (grouping_name, level)
    where l.level is not null
),

cut as (
    select distinct c.product_id
    from price_cuts as c
)

select
    'buyers' as kind,
    b.grouping_name,
    b.level,
    b.product_id as name,
    min(b.category) as category,
    b.week,
    count(*) as customers,
    sum(b.lines) as lines
from levels as b
inner join cut on b.product_id = cut.product_id
group by b.grouping_name, b.level, b.product_id, b.week
union all
select
    'purchases' as kind,
    grouping_name,
    level,
    category as name,
    category,
    week,
    count(*) as customers,
    sum(lines) as lines
from levels
group by grouping_name, level, category, week
order by kind, grouping_name, level, name, week
