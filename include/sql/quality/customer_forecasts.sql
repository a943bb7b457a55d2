-- Purpose: what the gate of forecasts asks of what a run has staged.
-- Grain: one row, a column a metric. Inputs: the staged table; features.customer_features of the date.
-- Parameters: as_of_date; eligible_customers, eligible_first_hash, eligible_second_hash, eligible_spend:
--     eligible_customers.sql, which is asked while the table is being staged; identifier: staged. Re-run: reads only.
-- Caveat: as many ids on both sides, and the same sums of two hashes of them, are the same ids; only where they are
--     not are the customers looked for one by one.
with staged as (
    select
        count(*) as customers,
        coalesce(sum(hashtextextended(customer_id, 0)), 0) as first_hash,
        coalesce(sum(hashtextextended(customer_id, 1)), 0) as second_hash,
        sum(expected_spend_365d::numeric) as spend
    from {{ staged }}
),

both_sides as (
    select
        s.customers as row_count,
        s.spend / nullif(%(eligible_spend)s::numeric, 0) as year_factor,
        (
            s.customers = %(eligible_customers)s
            and s.first_hash = %(eligible_first_hash)s
            and s.second_hash = %(eligible_second_hash)s
        ) as are_the_same
    from staged as s
)

select
    row_count,
    case
        when are_the_same then 0
        else (
            select count(*)
            from features.customer_features as e
            where
                e.as_of_date = %(as_of_date)s
                and not exists (select from {{ staged }} as f where f.customer_id = e.customer_id)
        )
    end as forecasts_missing,
    case
        when are_the_same then 0
        else (
            select count(*)
            from {{ staged }} as f
            where
                not exists (
                    select from features.customer_features as e
                    where e.as_of_date = %(as_of_date)s and e.customer_id = f.customer_id
                )
        )
    end as forecasts_of_nobody,
    year_factor
from both_sides
