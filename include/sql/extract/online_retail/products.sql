-- Purpose: the names of the products of a UCI "Online Retail" file: the description that most lines have.
-- Grain: product. Parameters: end (instant), timezone: lines before it count.
-- Caveat: what became of a product in the warehouse ("damaged", "lost") stands in the same column, on lines
--     without a price: these do not count. The file knows no stock, no categories and no pictures.
with described as (
    select
        upper(btrim(stock_code)) as product_id,
        btrim(description) as name,
        count(*) as lines
    from online_retail.lines
    where
        invoice_date < %(end)s::timestamptz at time zone %(timezone)s
        and btrim(description) <> '' and btrim(unit_price) ~ '^\d*\.?\d*[1-9]\d*$'
    group by upper(btrim(stock_code)), btrim(description)
)

select distinct on (product_id)
    product_id,
    name,
    case when product_id !~ '^(\d{5}|DCGS|PADS$)' then 'service' end as category,
    null as price,
    null as image,
    null as available
from described
where product_id <> ''
order by product_id, lines desc, name
