-- Purpose: texts that were read in another encoding than they were written in (replacement characters, UTF-8
--     read as Latin-1 or GBK), for customers, products, categories and channels.
-- Grain: one row, a column a metric. Inputs: staging of the window (one pass; each text is looked at once).
-- Parameters: first, end: the window's days; damaged: a regular expression; identifiers: table, texts (the
--     columns, joined).
-- Re-run: reads only.
with texts as (
    select
        {{ texts }} as value,
        count(*) as row_count,
        count(*) filter (where day = %(end)s::date - 1) as newest
    from staging.{{ table }}
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    group by 1
),

counted as (
    select
        sum(row_count) filter (where value ~ %(damaged)s) as damaged,
        sum(newest) filter (where value ~ %(damaged)s) as newest_damaged,
        sum(row_count) as row_count,
        sum(newest) as newest
    from texts
    where value <> ''
)

select
    coalesce(damaged, 0) as damaged_texts,
    greatest(
        coalesce(damaged, 0) / nullif(row_count, 0),
        case when newest >= %(min_rows)s then coalesce(newest_damaged, 0) / newest end
    ) as damaged_text_share
from counted
