-- Purpose: order lines as they are judged: tidied, with their order's customer and day, each with the rule that it
--     breaks (null: none) and as it came (raw).
-- Grain: order line, as extracted. Inputs: staging.order_items of the window, core.orders, quarantine.orders.
-- Parameters: first (null: all history), end: the window's days; max_line_amount; max_text_bytes.
-- Row rules, the first that applies: text_too_long, order_quarantined, order_unknown, order_on_another_day,
--     line_no_missing, product_missing, quantity_missing, quantity_zero, price_missing,
--     price_negative, amount_absurd, discount_invalid.
-- A rule of amounts does not apply to days for which it is released (quarantine.releases).
-- Re-run: reads only; order_items.sql and first_load.sql include it.
-- Caveat: `offset 0` has what several columns are made of computed once a row.
with lines as (
    select
        day,
        nullif(btrim(order_id), '') as order_id,
        line_no,
        nullif(btrim(product_id), '') as product_id,
        nullif(btrim(category), '') as category,
        quantity,
        unit_price,
        coalesce(discount, 0) as discount,
        quantity * unit_price as amount,
        greatest(octet_length(order_id), octet_length(product_id), octet_length(category))
        > %(max_text_bytes)s as is_too_long,
        s as raw
    from staging.order_items as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    offset 0 -- noqa: AM09
),

refused_orders as (
    select distinct btrim(order_id) as order_id
    from quarantine.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

own_orders as (
    select
        order_id,
        customer_id,
        day
    from core.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

-- most lines are of an order of the window; only the others are looked up, row by row
with_order as (
    select
        l.*,
        coalesce(o.order_id, other.order_id) as known_order_id,
        coalesce(o.customer_id, other.customer_id) as customer_id,
        coalesce(o.day, other.day) as order_day
    from lines as l
    left join own_orders as o on l.order_id = o.order_id
    left join lateral (
        select
            e.order_id,
            e.customer_id,
            e.day
        from core.orders as e
        where o.order_id is null and e.order_id = l.order_id
        order by e.order_id
        limit 1
    ) as other on true
),

judged as (
    select
        l.*,
        case
            when l.is_too_long then 'text_too_long'
            when l.known_order_id is null and r.order_id is not null then 'order_quarantined'
            when l.known_order_id is null then 'order_unknown'
            when l.order_day <> l.day then 'order_on_another_day'
            when l.line_no is null then 'line_no_missing'
            when l.product_id is null then 'product_missing'
            when l.quantity is null then 'quantity_missing'
            when
                l.quantity = 0
                and not quarantine.is_released('order_items', 'quantity_zero', l.day)
                then 'quantity_zero'
            when l.unit_price is null then 'price_missing'
            when
                l.unit_price < 0
                and not quarantine.is_released('order_items', 'price_negative', l.day)
                then 'price_negative'
            when
                abs(l.amount) > %(max_line_amount)s
                and not quarantine.is_released('order_items', 'amount_absurd', l.day)
                then 'amount_absurd'
            when
                (l.discount < 0 or l.discount > abs(l.amount))
                and not quarantine.is_released('order_items', 'discount_invalid', l.day)
                then 'discount_invalid'
        end as rule
    from with_order as l
    left join refused_orders as r on l.order_id = r.order_id
    offset 0 -- noqa: AM09
)

select
    j.*,
    coalesce(j.category = 'service', false) as is_service,
    case
        when j.rule is null then round((j.amount - sign(j.quantity) * j.discount) * 100)
    end::bigint as amount_cents
from judged as j
