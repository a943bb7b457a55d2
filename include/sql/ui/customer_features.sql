-- Purpose: the features of one customer of a date.
-- Grain: one row, or none; one column, an object. Inputs: features.customer_features by its key.
-- Parameters: as_of_date, customer_id. Read only.
select to_jsonb(f) - 'as_of_date' - 'customer_id' as found
from features.customer_features as f
where f.as_of_date = %(as_of_date)s and f.customer_id = %(customer_id)s
