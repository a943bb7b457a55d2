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
with judged as (
    {{ judged }}
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
    from judged as j
    where
        j.rule is not null
        or not exists (select from copied as c where c.order_id = j.order_id and c.line_no = j.line_no)
    union all
    select
        j.*,
        row_number() over (
            partition by j.order_id, j.line_no
            order by {{ first_copy }}
        ) as copy
    from judged as j
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
