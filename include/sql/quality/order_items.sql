-- Purpose: what the source gate asks of the order lines just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's.
-- Inputs: staging.order_items of the window (one pass).
-- Parameters: first (null: all history), end: the window's days; min_rows.
-- Re-run: reads only.
with days as (
    select
        day,
        count(*) as row_count,
        day = %(end)s::date - 1 and count(*) >= %(min_rows)s as is_scope,
        count(nullif(btrim(order_id), '')) as with_order,
        count(line_no) as with_number,
        count(nullif(btrim(product_id), '')) as with_product,
        count(nullif(btrim(category), '')) as with_category,
        count(quantity) as with_quantity,
        count(unit_price) as with_price,
        count(*) filter (where quantity > 0 and unit_price > 0) as paid
    from staging.order_items
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

by_scope as (
    select
        sum(d.row_count) as row_count,
        sum(d.with_order) as with_order,
        sum(d.with_number) as with_number,
        sum(d.with_product) as with_product,
        sum(d.with_category) as with_category,
        sum(d.with_quantity) as with_quantity,
        sum(d.with_price) as with_price,
        sum(d.paid) as paid
    from days as d
    inner join (values ('window'), ('newest day')) as s (scope) on s.scope = 'window' or d.is_scope
    group by s.scope
),

shares as (
    select
        coalesce(max(row_count), 0) as row_count,
        min(with_order / row_count) as order_present_share,
        min(with_number / row_count) as number_present_share,
        min(with_product / row_count) as product_present_share,
        min(with_category / row_count) as category_present_share,
        min(with_quantity / row_count) as quantity_present_share,
        min(with_price / row_count) as price_present_share,
        min(paid / row_count) as paid_share
    from by_scope
)

select *
from shares
