-- Purpose: write what each recommender would have told on earlier dates.
-- Grain: as_of_date, tested_from, recommender. Inputs: the staged backtests. Identifiers: backtests.
-- Re-run: the date's rows were deleted before.
insert into segments.recommendation_backtests
(
    as_of_date, tested_from, tested_until, recommender, customers, hit20, recall20, is_baseline, is_chosen
)
select
    as_of_date,
    tested_from,
    tested_until,
    recommender,
    customers,
    hit20,
    recall20,
    is_baseline,
    is_chosen
from {{ backtests }}
