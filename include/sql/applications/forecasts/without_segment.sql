-- Purpose: delete forecasts of a date of whoever is in none of its segments.
-- Grain: as_of_date, customer_id. Inputs: segments.customer_segments of the date.
-- Parameters: as_of_date; identifier: partition: that of the date, of segments.customer_forecasts.
-- Re-run: nobody is left who could be deleted.
delete from {{ partition }} as f
where
    not exists (
        select from segments.customer_segments as s
        where s.as_of_date = %(as_of_date)s and s.customer_id = f.customer_id
    )
