-- Purpose: row rules that somebody has called off for some days, which cleaning then does not apply.
-- Grain: release. Part of the fourth migration.

create table quarantine.releases (
    release_id bigint generated always as identity primary key,
    table_name text not null,
    rule text not null,
    day_from date not null,
    day_to date not null,
    who text not null,
    why text not null,
    at timestamptz not null default now(),
    cleaned_at timestamptz,
    constraint day_from_before_day_to check (day_from < day_to),
    constraint rule_can_be_released check (
        (table_name, rule) in (
            ('orders', 'ordered_at_in_future'),
            ('order_items', 'quantity_zero'),
            ('order_items', 'price_negative'),
            ('order_items', 'amount_absurd'),
            ('order_items', 'discount_invalid'),
            ('reviews', 'rating_out_of_range')
        )
    )
);

comment on table quarantine.releases is
'row rules that do not apply to some days; the rows re-enter when those days are cleaned again';
comment on column quarantine.releases.release_id is 'number of the release';
comment on column quarantine.releases.table_name is 'table whose rows are released';
comment on column quarantine.releases.rule is
'rule that is called off; one without which a row cannot be stored (a missing key) cannot be';
comment on column quarantine.releases.day_from is 'first day';
comment on column quarantine.releases.day_to is 'the day after the last one';
comment on column quarantine.releases.who is 'who decided';
comment on column quarantine.releases.why is 'and why';
comment on column quarantine.releases.at is 'when';
comment on column quarantine.releases.cleaned_at is
'when the days were cleaned with it; empty: the next night reads them again';

create function quarantine.is_released(of_table text, of_rule text, on_day date) returns boolean
language sql stable
as $$
select exists (
    select from quarantine.releases as r
    where r.table_name = of_table and r.rule = of_rule and r.day_from <= on_day and r.day_to > on_day
)
$$;
