-- Purpose: forget changes that make no date stale: every published date after the day knows them.
-- Grain: change. Inputs: segments.runs. Parameters: none.
-- Re-run: nothing left to forget.
delete from core.changed_days as c
where
    not exists (
        select
        from (
            select distinct on (as_of_date)
                as_of_date,
                facts_seen
            from segments.runs
            where status = 'published' and dropped_at is null
            order by as_of_date asc, published_at desc
        ) as p
        where p.as_of_date > c.day and p.facts_seen < c.change_id
    )
    -- a run that is under way may not have seen it
    and not exists (select from segments.runs where status in ('running', 'held'))
