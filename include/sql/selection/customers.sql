-- Purpose: what is text of the customers of a date, their true segment and the one they had before.
-- Grain: customer with features.
-- Inputs: features.customer_features, staging.labels, segments.customer_segments of
--     the parent date.
-- Parameters: as_of_date, parent_as_of_date (may be null); identifier: text_features (columns with a comma each, or
--     nothing). Read only.
-- Caveat: of a customer with two labels, the first in the alphabet.
with labels as (
    select
        customer_id,
        min(label) as label
    from staging.labels
    where label is not null
    group by customer_id
)

select
    f.customer_id,
    {{ text_features }}
    l.label as true_segment,
    b.segment_id as segment_before
from features.customer_features as f
left join labels as l on f.customer_id = l.customer_id
left join segments.customer_segments as b
    on f.customer_id = b.customer_id and b.as_of_date = %(parent_as_of_date)s
where f.as_of_date = %(as_of_date)s
order by f.customer_id
