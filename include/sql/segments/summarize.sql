-- Purpose: tell the block indexes of a table of rows that were just written; else autovacuum would, later.
-- Grain: index. Parameters: table. Re-run: finds nothing new.
select brin_summarize_new_values(i.indexrelid) as ranges
from pg_index as i
inner join pg_class as c on i.indexrelid = c.oid
inner join pg_am as m on c.relam = m.oid
where i.indrelid = %(table)s::regclass and m.amname = 'brin'  -- noqa: RF02
order by i.indexrelid
