-- Purpose: a figure computed outside of SQL, as a metrics SELECT. Grain: one row.
-- Parameters: metric, value. Re-run: reads only.
select jsonb_build_object(%(metric)s::text, %(value)s::double precision) as metrics
