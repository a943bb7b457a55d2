-- Purpose: the days that a publication of a date holds for: to before the next date that membership knows.
-- Grain: one row. Inputs: segments.membership_dates. Parameters: as_of_date. Read only.
select
    min(as_of_date) filter (where as_of_date > %(as_of_date)s) as next_date,
    coalesce(bool_or(as_of_date = %(as_of_date)s), false) as is_known
from segments.membership_dates
where is_published
