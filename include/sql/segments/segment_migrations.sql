-- Purpose: how many customers, with what spend of the last 365 days, went from which segment to which.
-- Grain: as_of_date, from, to; from null: not there at the parent date; to null: no longer there.
-- Inputs: the staged partition, the parent date, features.customer_features of both dates.
-- Parameters: as_of_date, parent_as_of_date, run_id; identifiers: table.
-- Re-run: the date's rows are deleted before, in the same transaction.
-- Caveat: the revenue of those who left is that of the parent date.
insert into segments.segment_migrations
(as_of_date, parent_as_of_date, from_segment_id, to_segment_id, run_id, customers, revenue_365d)
with now_there as (
    -- the partition says where everybody was; a spend of the parent date is looked up where none is known
    select
        t.previous_segment_id as from_segment_id,
        t.segment_id as to_segment_id,
        coalesce(
            f.spend_365d,
            (
                select b.spend_365d
                from features.customer_features as b
                where
                    b.as_of_date = %(parent_as_of_date)s and b.customer_id = t.customer_id
                    and t.previous_segment_id is not null
            )
        ) as spend_365d
    from {{ table }} as t
    left join features.customer_features as f
        on t.customer_id = f.customer_id and f.as_of_date = %(as_of_date)s
),

gone as (
    select
        cs.segment_id as from_segment_id,
        null::integer as to_segment_id,
        f.spend_365d
    from segments.customer_segments as cs
    left join features.customer_features as f
        on cs.customer_id = f.customer_id and f.as_of_date = %(parent_as_of_date)s
    where
        cs.as_of_date = %(parent_as_of_date)s
        and not exists (select from {{ table }} as t where t.customer_id = cs.customer_id)
),

moves as (
    select *
    from now_there
    union all
    select *
    from gone
)

select
    %(as_of_date)s,
    %(parent_as_of_date)s,
    from_segment_id,
    to_segment_id,
    %(run_id)s,
    count(*),
    coalesce(sum(round(spend_365d::numeric, 2)), 0)
from moves
group by from_segment_id, to_segment_id
