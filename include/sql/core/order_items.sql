-- Purpose: clean order lines, each with its order's customer and day.
-- Grain: order line. Inputs: staging.order_items of the window, core.orders, quarantine.orders.
-- Parameters: first (null: all history), end: the window's days; max_line_amount; max_text_bytes;
--     run_id.
-- Row rules, the first that applies: text_too_long, order_quarantined, order_unknown, order_on_another_day,
--     line_no_missing, product_missing, quantity_missing, quantity_zero, price_missing,
--     price_negative, amount_absurd, discount_invalid.
-- A rule of amounts does not apply to days for which it is released (quarantine.releases).
-- Merged: a second row of the same order_id and line_no.
-- Re-run: of the window's days that are there, only rows that differ are deleted and inserted: a night reads
--     ten days again of which hardly a row has changed. Runs after core/orders.sql.
-- Caveat: a price of zero is kept (a free item); it counts as a line and not as a purchase.
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
        greatest(octet_length(order_id), octet_length(product_id), octet_length(category))
        > %(max_text_bytes)s as is_too_long,
        s as raw
    from staging.order_items as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
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
                abs(l.quantity * l.unit_price) > %(max_line_amount)s
                and not quarantine.is_released('order_items', 'amount_absurd', l.day)
                then 'amount_absurd'
            when
                (l.discount < 0 or l.discount > abs(l.quantity * l.unit_price))
                and not quarantine.is_released('order_items', 'discount_invalid', l.day)
                then 'discount_invalid'
        end as rule
    from with_order as l
    left join refused_orders as r on l.order_id = r.order_id
),

priced as (
    select
        j.*,
        coalesce(j.category = 'service', false) as is_service,
        case
            when j.rule is null then round((j.quantity * j.unit_price - sign(j.quantity) * j.discount) * 100)
        end::bigint as amount_cents
    from judged as j
),

own as (
    select *
    from core.order_items
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

-- only what is there twice is sorted, and what other days have is looked up row by row
copied as (
    select
        order_id,
        line_no
    from judged
    where rule is null
    group by order_id, line_no
    having count(*) > 1
),

numbered as (
    select
        j.*,
        1 as copy
    from priced as j
    where
        j.rule is not null
        or not exists (select from copied as c where c.order_id = j.order_id and c.line_no = j.line_no)
    union all
    select
        j.*,
        row_number() over (
            partition by j.order_id, j.line_no
            order by j.product_id, j.quantity, j.unit_price, j.discount, j.category
        ) as copy
    from priced as j
    where
        j.rule is null
        and exists (select from copied as c where c.order_id = j.order_id and c.line_no = j.line_no)
)

select
    n.day,
    n.order_id,
    n.line_no,
    n.customer_id,
    n.order_day,
    n.product_id,
    n.category,
    n.is_service,
    n.quantity,
    n.unit_price,
    n.discount,
    n.amount_cents,
    n.rule,
    case when n.rule is not null then n.raw end as raw,
    n.rule is null and (n.copy > 1 or known.is_known is not null) as is_merged,
    n.rule is null and n.copy = 1 and own.order_id is not null
    and not ((
        n.order_day, n.customer_id, n.product_id, n.category, n.is_service, n.quantity, n.unit_price,
        n.discount, n.amount_cents
    ) is distinct from (
        own.day, own.customer_id, own.product_id, own.category, own.is_service, own.quantity, own.unit_price,
        own.discount, own.amount_cents
    )) as is_there
from numbered as n
left join own on n.order_id = own.order_id and n.line_no = own.line_no
left join lateral (
    select true as is_known
    from core.order_items as i
    where own.order_id is null and i.order_id = n.order_id and i.line_no = n.line_no
    order by i.order_id
    limit 1
) as known on true;
analyze judged (order_id, line_no, rule, is_there, is_merged);

delete from core.order_items as c
where
    c.day >= coalesce(%(first)s::date, '-infinity') and c.day < %(end)s::date
    and not exists (
        select from judged as j
        where j.order_id = c.order_id and j.line_no = c.line_no and j.is_there
    );

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
    is_service,
    quantity,
    unit_price,
    discount,
    amount_cents
from judged
where rule is null and not is_merged and not is_there;

delete from quarantine.order_items
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.order_items
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
