-- Purpose: the names of the products of a file of transactions: for each the one that most lines have.
-- Grain: product; none where the file names none, for what is in no catalogue is not recommended.
-- Parameters: end (instant): lines before it count.
-- Caveat: the file knows no stock and no pictures.
with sold as (
    select
        product_id,
        btrim(product_name) as name,
        max(category) as category,
        count(*) as lines
    from transactions.lines
    where placed_at < %(end)s and product_id is not null
    group by product_id, btrim(product_name)
)

select distinct on (product_id)
    product_id,
    name,
    category,
    null as price,
    null as image,
    null as available
from sold
where exists (select from sold as s where s.name <> '')
order by product_id, name is null or name = '', lines desc, name
