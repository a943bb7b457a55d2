-- Purpose: write the lists of the date's customers.
-- Grain: as_of_date, customer. Inputs: the staged lists and numbers, segments.customer_segments of the date: who
--     was erased since is not there. Parameters: as_of_date; identifiers: lists, customers.
-- Re-run: the date's rows were deleted before.
insert into segments.customer_recommendation_lists (as_of_date, customer_id, new_products, products, because)
select
    %(as_of_date)s::date,
    c.customer_id,
    l.new_products,
    l.products,
    l.because
from {{ lists }} as l
inner join {{ customers }} as c on l.number = c.number
inner join segments.customer_segments as s on c.customer_id = s.customer_id
where s.as_of_date = %(as_of_date)s
