-- Purpose: what the feature gate asks of the features of a date.
-- Grain: one row, a column a metric (some of them a feature).
-- Inputs: features.customer_features of the date (one pass).
-- Parameters: as_of_date; identifier: figures: known_<feature> and outside_<feature>, of each feature the
--     number of customers who have it, and of those whose value is out of its range.
-- Re-run: reads only.
select
    count(*) as row_count,
    {{ figures }}
from features.customer_features
where as_of_date = %(as_of_date)s::date
