-- Purpose: what a publication decides by, beside whom the clusters share with the parent date (overlap.sql).
-- Grain: one row.
-- Inputs: the staged assignment; segments.segments, segment_versions, segment_name_overrides, runs;
--     privacy.sketches.
-- Parameters: as_of_date, parent_as_of_date (may be null); identifier: assignments. Read only.
-- Caveat: read under the lock of publications, so that the next id is nobody else's. It is no sequence's:
--     what failed before leaves no gap behind.
select
    (
        select jsonb_object_agg(c.cluster, c.first_customer)
        from (
            select
                cluster,
                min(customer_id) as first_customer
            from {{ assignments }}
            group by cluster
        ) as c
    ) as first_customers,
    (select coalesce(max(segment_id), 0) + 1 from segments.segments) as next_id,
    (
        select jsonb_object_agg(s.segment_id, coalesce(k.sketch, '{}'))
        from segments.segments as s
        left join privacy.sketches as k on s.segment_id = k.segment_id
        where s.given_on = %(as_of_date)s
    ) as reserved,
    (
        select jsonb_object_agg(segment_id, customers)
        from segments.segment_versions
        where as_of_date = %(parent_as_of_date)s
    ) as customers_before,
    (
        select jsonb_object_agg(segment_id, jsonb_build_array(name, description))
        from segments.segment_name_overrides
    ) as overrides,
    (select max(as_of_date) from segments.runs where status = 'published') as newest
