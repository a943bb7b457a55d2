-- Purpose: write the lists of the date's customers.
-- Grain: as_of_date, customer. Inputs: the staged lists and numbers. Parameters: as_of_date; identifiers: lists,
--     customers. Re-run: the date's rows were deleted before.
insert into segments.customer_recommendation_lists (as_of_date, customer_id, new_products, products, because)
select
    %(as_of_date)s::date,
    c.customer_id,
    l.new_products,
    l.products,
    l.because
from {{ lists }} as l
inner join {{ customers }} as c on l.number = c.number
