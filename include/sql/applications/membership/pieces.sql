-- Purpose: take the intervals of changed customers that touch the days in question out of membership.
-- Grain: customer, valid_from. Inputs: membership_changed. Parameters: as_of_date, next_date (infinity: none).
-- Re-run: a temporary table of the transaction, made anew.
drop table if exists membership_pieces;
create temp table membership_pieces (like segments.membership) on commit drop;
with taken as (
    delete from segments.membership as m
    using membership_changed as c
    where
        m.customer_id = c.customer_id
        and m.valid_from <= %(next_date)s::date and m.valid_to >= %(as_of_date)s
    returning m.customer_id, m.segment_id, m.valid_from, m.valid_to
)

insert into membership_pieces (customer_id, segment_id, valid_from, valid_to)
select
    customer_id,
    segment_id,
    valid_from,
    valid_to
from taken
