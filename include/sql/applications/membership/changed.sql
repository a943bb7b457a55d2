-- Purpose: the customers whose segment from a date on, to before the next one, is not what membership has.
-- Grain: customer; segment_id null: in none. Inputs: segments.membership; what it should be, in `source`: the
--     partition of a published date, or membership itself as it was the day before, when a date is withdrawn.
-- Parameters: as_of_date; identifiers: source (a relation), condition (on its rows).
-- Re-run: a temporary table of the transaction, made anew.
drop table if exists membership_changed;
create temp table membership_changed on commit drop as
with wanted as (
    select
        customer_id,
        segment_id
    from {{ source }}
    where {{ condition }}
),

there as (
    select
        customer_id,
        segment_id
    from segments.membership
    where valid_from <= %(as_of_date)s and valid_to > %(as_of_date)s
)

select
    coalesce(w.customer_id, t.customer_id) as customer_id,
    w.segment_id
from wanted as w
full join there as t on w.customer_id = t.customer_id
where w.segment_id is distinct from t.segment_id
