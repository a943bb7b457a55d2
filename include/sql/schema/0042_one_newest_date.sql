-- Purpose: a statement is planned with one newest date, though another one is published while it is planned. The date
--     was asked for in each half, where a planner that had waited for a lock could find two of them, and a reader no
--     row. Asked for in `from` it is one constant, which is put into both.
-- Grain: see the comments. Part of the migration of the same number.
create or replace view operations.newest_assignments as
select
    a.as_of_date,
    a.customer_id,
    a.segment_id,
    a.confidence,
    a.is_outlier,
    a.previous_segment_id,
    a.run_id,
    a.days_in_segment,
    a.rule_segment_id
from operations.newest_date() as newest (planned)
cross join
    lateral (
        select
            c.as_of_date as planned,
            c.as_of_date,
            c.customer_id,
            c.segment_id,
            c.confidence,
            c.is_outlier,
            c.previous_segment_id,
            c.run_id,
            c.days_in_segment,
            c.rule_segment_id
        from segments.customer_segments as c
        union all
        select
            newest.planned,
            f.as_of_date,
            f.customer_id,
            f.segment_id,
            f.confidence,
            f.is_outlier,
            f.previous_segment_id,
            f.run_id,
            f.days_in_segment,
            f.rule_segment_id
        from operations.assignments_if_not(newest.planned) as f
        where f.as_of_date is not null
    ) as a
where
    a.planned = newest.planned
    and coalesce(
        a.as_of_date = (select max(r.as_of_date) from segments.runs as r where r.status = 'published'), false
    );
