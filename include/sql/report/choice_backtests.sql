-- Purpose: what earlier dates said that their segments foresee, and what came of it, up to a date, oldest first.
-- Grain: date on which the account was taken. Inputs: segments.choice_backtests.
-- Parameters: as_of_date, dates (how many of the newest). Read only.
with newest as (
    select *
    from segments.choice_backtests
    where as_of_date <= %(as_of_date)s
    order by as_of_date desc
    limit %(dates)s
)

select
    as_of_date,
    said_on,
    said,
    said_error,
    said_season,
    said_season_error,
    came,
    came_error,
    customers,
    buyers
from newest
order by as_of_date
