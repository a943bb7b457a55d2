-- Purpose: the median of each feature over all customers of a date, from a sample of them that is the same
--     each time: those whose hash leaves no rest when divided by `every`.
-- Grain: one row. Inputs: features.customer_features, one partition.
-- Parameters: as_of_date, every (1: everybody); identifiers: medians (an expression a feature). Read only.
select {{ medians }}
from features.customer_features
where
    as_of_date = %(as_of_date)s
    and mod(hashtextextended(customer_id, 0), %(every)s) = 0
