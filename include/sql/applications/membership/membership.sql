-- Purpose: the intervals of changed customers: what is before the days in question, these, and what is after;
--     two that meet in the same segment are one.
-- Grain: customer, valid_from. Inputs: membership_changed, membership_pieces (of this transaction).
-- Parameters: as_of_date, next_date (infinity: none): the days in question are from the one to before the other.
-- Re-run: what was there of these customers was taken out before (pieces.sql).
insert into segments.membership (customer_id, segment_id, valid_from, valid_to)
with earlier as (
    select
        customer_id,
        segment_id,
        valid_from
    from membership_pieces
    where valid_from < %(as_of_date)s
),

later as (
    select
        customer_id,
        segment_id,
        valid_to
    from membership_pieces
    where valid_to > %(next_date)s::date
)

select
    c.customer_id,
    c.segment_id,
    coalesce(e.valid_from, %(as_of_date)s) as valid_from,
    coalesce(l.valid_to, %(next_date)s::date) as valid_to  -- noqa: RF02
from membership_changed as c
left join earlier as e on c.customer_id = e.customer_id and c.segment_id = e.segment_id
left join later as l on c.customer_id = l.customer_id and c.segment_id = l.segment_id
where c.segment_id is not null
union all
select
    e.customer_id,
    e.segment_id,
    e.valid_from,
    %(as_of_date)s as valid_to
from earlier as e
inner join membership_changed as c on e.customer_id = c.customer_id
where e.segment_id is distinct from c.segment_id
union all
select
    l.customer_id,
    l.segment_id,
    %(next_date)s::date as valid_from,  -- noqa: RF02
    l.valid_to
from later as l
inner join membership_changed as c on l.customer_id = c.customer_id
where l.segment_id is distinct from c.segment_id
