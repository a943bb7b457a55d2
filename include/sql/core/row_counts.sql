-- Purpose: the fate of the rows that a run cleaned, counted where each of them ended.
-- Grain: run and table. Parameters: run_id, first, end; identifiers: table, core_day.
-- Re-run: overwrites. A check of the table refuses counts that do not balance.
insert into core.row_counts (run_id, table_name, rows_in, kept, merged, quarantined, rules)
select
    %(run_id)s,
    '{{ table }}',
    (
        select count(*) from staging.{{ table }}
        where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    ),
    (
        select count(*) from core.{{ table }}
        where {{ core_day }} >= coalesce(%(first)s::date, '-infinity') and {{ core_day }} < %(end)s::date
    ),
    (select count(*) from judged where is_merged),
    (
        select count(*) from quarantine.{{ table }}
        where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    ),
    coalesce((
        select jsonb_object_agg(by_rule.rule, by_rule.n)
        from (
            select
                rule,
                count(*) as n
            from judged
            where rule is not null
            group by rule
        ) as by_rule
    ), '{}')
on conflict (run_id, table_name) do update
    set
        rows_in = excluded.rows_in,
        kept = excluded.kept,
        merged = excluded.merged,
        quarantined = excluded.quarantined,
        rules = excluded.rules
