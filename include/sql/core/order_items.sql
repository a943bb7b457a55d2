-- Purpose: clean order lines, each with its order's customer and day.
-- Grain: order line. Inputs: staging.order_items of the window, core.orders, quarantine.orders.
-- Parameters: first (null: all history), end: the window's days; max_line_amount; run_id.
-- Row rules, the first that applies: order_quarantined, order_unknown, order_on_another_day,
--     line_no_missing, product_missing, quantity_missing, quantity_zero, price_missing,
--     price_negative, amount_absurd, discount_invalid.
-- A rule of amounts does not apply to days for which it is released (quarantine.releases).
-- Merged: a second row of the same order_id and line_no.
-- Re-run: the window's days are deleted and inserted. Runs after core/orders.sql.
-- Caveat: a price of zero is kept (a free item); it counts as a line and not as a purchase.
delete from core.order_items
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

create temp table judged on commit drop as
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
        s as raw
    from staging.order_items as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

refused_orders as (
    select distinct btrim(order_id) as order_id
    from quarantine.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

judged as (
    select
        l.*,
        o.customer_id,
        o.day as order_day,
        case
            when o.order_id is null and r.order_id is not null then 'order_quarantined'
            when o.order_id is null then 'order_unknown'
            when o.day <> l.day then 'order_on_another_day'
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
                abs(l.quantity * l.unit_price) > %(max_line_amount)s
                and not quarantine.is_released('order_items', 'amount_absurd', l.day)
                then 'amount_absurd'
            when
                (l.discount < 0 or l.discount > abs(l.quantity * l.unit_price))
                and not quarantine.is_released('order_items', 'discount_invalid', l.day)
                then 'discount_invalid'
        end as rule
    from lines as l
    left join core.orders as o on l.order_id = o.order_id
    left join refused_orders as r on l.order_id = r.order_id
)

select
    j.*,
    j.rule is null and (
        row_number() over (
            partition by j.rule is null, j.order_id, j.line_no
            order by j.product_id, j.quantity, j.unit_price, j.discount, j.category
        ) > 1
        or exists (
            select from core.order_items as i
            where i.order_id = j.order_id and i.line_no = j.line_no
        )
    ) as is_merged
from judged as j;

insert into core.order_items
(
    order_id, line_no, customer_id, day, product_id, category, is_service, quantity, unit_price, discount,
    amount_cents
)
select
    order_id,
    line_no,
    customer_id,
    order_day,
    product_id,
    category,
    coalesce(category = 'service', false),
    quantity,
    unit_price,
    discount,
    round((quantity * unit_price - sign(quantity) * discount) * 100)
from judged
where rule is null and not is_merged;

delete from quarantine.order_items
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.order_items
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
