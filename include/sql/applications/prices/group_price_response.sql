-- Purpose: part taken in price cuts by new and existing customers and by value tiers.
-- Grain: grouping and level, for one as_of_date. Inputs: what the task has staged.
-- Parameters: as_of_date, run_id; identifier: groups.
-- Re-run: the rows of the date are deleted before, in the same transaction.
insert into segments.group_price_response
(
    as_of_date, grouping_name, level, run_id, outcome, reason, ratio, ratio_low, ratio_high,
    placebo_ratio, placebo_ratio_low, placebo_ratio_high, products, cuts, weeks, buyers, median_depth
)
select
    %(as_of_date)s,
    grouping_name,
    level,
    %(run_id)s,
    outcome,
    reason,
    ratio,
    ratio_low,
    ratio_high,
    placebo_ratio,
    placebo_ratio_low,
    placebo_ratio_high,
    products,
    cuts,
    weeks,
    buyers,
    median_depth
from {{ groups }}
