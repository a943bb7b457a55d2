-- Purpose: what the data dictionary says of tables and columns: their comments.
-- Grain: column, partitions left out. Inputs: the system catalogue.
-- Parameters: none. Read only.
select
    n.nspname as schema_name,
    obj_description(n.oid, 'pg_namespace') as schema_meaning,
    c.relname as table_name,
    obj_description(c.oid, 'pg_class') as table_meaning,
    a.attname as column_name,
    format_type(a.atttypid, a.atttypmod) as type,
    col_description(c.oid, a.attnum) as column_meaning
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where
    n.nspname in ('segments', 'features', 'core', 'staging', 'quarantine')
    and c.relkind in ('r', 'p', 'v', 'm')
    and not c.relispartition
    and a.attnum > 0
    and not a.attisdropped
order by n.nspname, c.relname, a.attnum
