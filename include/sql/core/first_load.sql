-- Purpose: clean a kind of facts of which core has none but what first_rows.sql has put in: what is left.
-- Grain: fact. Inputs: identifier: judged: judged_<table>.sql; staging and quarantine of the table; copied
--     (temporary; first_copied.sql).
-- Parameters: first (null: all history), end: the window's days; those of judged_<table>.sql; run_id.
--     Further identifiers: table; columns: those of the table in core; key: its key; first_copy: the order in
--     which the first row of a key is kept.
-- Merged: as in the file of the table.
-- Re-run: of a table that has rows, the file of the table is run.
-- where every row was kept, nothing is judged again
create temp table judged on commit drop as
with others as (
    select j.*
    from (
        {{ judged }}
    ) as j
    left join copied as c using ({{ key }})
    where
        (j.rule is not null or c.is_copied)
        and (select count(*) from core.{{ table }}) < (
            select count(*) from staging.{{ table }} as s
            where s.day >= coalesce(%(first)s::date, '-infinity') and s.day < %(end)s::date
        )
)

select
    {{ columns }},
    rule,
    raw,
    rule is null and row_number() over (
        partition by rule is null, {{ key }} order by {{ first_copy }}
    ) > 1 as is_merged
from others;

insert into core.{{ table }} ({{ columns }})
select {{ columns }}
from judged
where rule is null and not is_merged;

delete from quarantine.{{ table }}
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.{{ table }}
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null;

drop table copied
