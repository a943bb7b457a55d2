-- Purpose: forget the products of lists of customers that are kept no longer.
-- Grain: date and product. Inputs: segments.recommended_products; newest, kept. Re-run: the same rows stay.
delete from segments.recommended_products
where
    as_of_date in (
        select distinct as_of_date from segments.recommended_products
        where as_of_date <= %(newest)s
        order by as_of_date desc
        offset %(kept)s
    )
