-- Purpose: a few extracted rows that lack a column they must have, by key, for an alert.
-- Grain: row. Inputs: staging.<table>, staging.loads. Parameters: run_id, n; holes: the table, what names a
-- row of it, the column that is wanted. Re-run: reads only.
with loaded as (
    select
        coalesce(min(day_from), '-infinity') as first_day,
        max(day_to) as end_day
    from staging.loads
    where run_id = %(run_id)s
),

keyed as (
    select
        day,
        {{ key }} as row_key,
        {{ required }}::text as required_text
    from staging.{{ table }}
)

select distinct keyed.row_key
from loaded
inner join keyed on loaded.first_day <= keyed.day and loaded.end_day > keyed.day
where nullif(trim(keyed.required_text), '') is null and keyed.row_key is not null
order by keyed.row_key
limit %(n)s
