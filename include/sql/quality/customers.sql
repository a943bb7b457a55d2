-- Purpose: what the source gate asks of the customers just extracted.
-- Grain: one row, a column a metric; a share is the lower of the whole window's and of its newest day's.
-- Inputs: staging.customers of the window (one pass).
-- Parameters: first (null: all history), end: the window's days; min_rows; min_birth_year.
-- Re-run: reads only.
with days as (
    select
        day,
        count(*) as row_count,
        day = %(end)s::date - 1 and count(*) >= %(min_rows)s as is_scope,
        count(nullif(btrim(customer_id), '')) as with_id,
        count(birth_year) as with_birth_year,
        count(*) filter (
            where birth_year between %(min_birth_year)s and extract(year from day)
        ) as with_plausible_birth_year,
        count(*) filter (where birth_year > extract(year from day)) as with_future_birth_year
    from staging.customers
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by day
),

by_scope as (
    select
        sum(d.row_count) as row_count,
        sum(d.with_id) as with_id,
        sum(d.with_birth_year) as with_birth_year,
        sum(d.with_plausible_birth_year) as with_plausible_birth_year,
        sum(d.with_future_birth_year) as with_future_birth_year
    from days as d
    inner join (values ('window'), ('newest day')) as s (scope) on s.scope = 'window' or d.is_scope
    group by s.scope
)

select
    coalesce(max(row_count), 0) as row_count,
    min(with_id / row_count) as id_present_share,
    min(with_plausible_birth_year / nullif(with_birth_year, 0)) as plausible_birth_year_share,
    coalesce(max(with_future_birth_year), 0) as future_births,
    max(with_future_birth_year / nullif(with_birth_year, 0)) as future_birth_share
from by_scope
