-- Purpose: how good each recommender was on the earlier dates together, for report and page.
-- Grain: recommender. Inputs: segments.recommendation_backtests. Parameters: as_of_date. Read only.
select
    recommender,
    bool_and(is_baseline) as is_baseline,
    bool_and(is_chosen) as is_chosen,
    min(tested_from) as tested_from,
    max(tested_until) as tested_until,
    sum(customers)::integer as customers,
    (sum(hit20 * customers) / sum(customers))::float8 as hit20,
    (sum(recall20 * customers) / sum(customers))::float8 as recall20
from segments.recommendation_backtests
where as_of_date = %(as_of_date)s
group by recommender
order by hit20 desc, recommender
