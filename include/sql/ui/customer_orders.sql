-- Purpose: the newest orders of a customer before a date, with their products by name.
-- Grain: order, the newest first; its lines as an array. Inputs: core.orders and order_items by their keys,
--     core.products as it was known then. Parameters: customer_id, as_of_date, most (orders), lines. Read only.
with shown as (
    select
        o.order_id,
        o.day,
        o.ordered_at,
        o.channel,
        coalesce(o.cancelled_on < %(as_of_date)s, false) as is_cancelled
    from core.orders as o
    where o.customer_id = %(customer_id)s and o.day < %(as_of_date)s
    order by o.ordered_at desc, o.order_id
    limit %(most)s
),

numbered as (
    select
        i.order_id,
        i.product_id,
        p.name,
        i.quantity,
        i.amount_cents,
        coalesce(p.category, i.category) as category,
        row_number() over (
            partition by i.order_id
            order by abs(i.amount_cents) desc, i.line_no
        ) as number
    from shown as s
    inner join core.order_items as i on s.order_id = i.order_id
    left join core.products as p
        on
            i.product_id = p.product_id
            and p.valid_from < %(as_of_date)s and p.valid_to >= %(as_of_date)s
),

summed as (
    select
        n.order_id,
        sum(n.amount_cents) / 100.0 as amount,
        count(*) as lines,
        jsonb_agg(
            jsonb_build_object(
                'product_id', n.product_id, 'name', n.name, 'category', n.category,
                'quantity', n.quantity, 'amount', n.amount_cents / 100.0
            )
            order by n.number
        ) filter (where n.number <= %(lines)s) as items
    from numbered as n
    group by n.order_id
)

select
    s.order_id,
    s.day,
    s.channel,
    s.is_cancelled,
    coalesce(l.amount, 0)::double precision as amount,
    coalesce(l.lines, 0)::integer as lines,
    coalesce(l.items, '[]') as items
from shown as s
left join summed as l on s.order_id = l.order_id
order by s.ordered_at desc, s.order_id
