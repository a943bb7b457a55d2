-- Purpose: what a metrics file measures of a table, as JSON by metric.
-- Grain: one row. Inputs: the SELECT `measured`: one row with a column a metric, or all of them as JSON in
--     `metrics`. Parameters: those of the SELECT.
-- Re-run: reads only.
-- Caveat: a statement of its own, since the server has no workers for the SELECT of an INSERT.
select coalesce(to_jsonb(file) -> 'metrics', to_jsonb(file))::text as figures
from (
    {{ measured }}
) as file
