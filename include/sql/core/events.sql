-- Purpose: clean browsing events of known visitors.
-- Grain: event. Inputs: staging.events of the window.
-- Parameters: first (null: all history), end: the window's days; max_text_bytes; run_id.
-- Row rules, the first that applies: text_too_long, event_id_missing, customer_missing (anonymous),
--     occurred_at_missing, event_type_missing.
-- Merged: a second row of the same event_id.
-- Blanked: a duration below zero or above a day is unknown.
-- Re-run: of the window's days that are there, only rows that differ are deleted and inserted: a night reads
--     ten days again of which hardly a row has changed.
create temp table judged on commit drop as
with judged as (
    {{ judged }}
),

own as (
    select *
    from core.events
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

-- only what is there twice is sorted, and what other days have is looked up row by row
copied as (
    select event_id
    from judged
    where rule is null
    group by event_id
    having count(*) > 1
),

numbered as (
    select
        j.*,
        1 as copy
    from judged as j
    where j.rule is not null or not exists (select from copied as c where c.event_id = j.event_id)
    union all
    select
        j.*,
        row_number() over (
            partition by j.event_id
            order by {{ first_copy }}
        ) as copy
    from judged as j
    where j.rule is null and exists (select from copied as c where c.event_id = j.event_id)
)

select
    n.day,
    n.event_id,
    n.customer_id,
    n.session_id,
    n.occurred_at,
    n.event_type,
    n.product_id,
    n.duration_seconds,
    n.rule,
    case when n.rule is not null then n.raw end as raw,
    n.rule is null and (n.copy > 1 or known.is_known is not null) as is_merged,
    n.rule is null and n.copy = 1 and own.event_id is not null
    and not ((
        n.day, n.customer_id, n.session_id, n.occurred_at, n.event_type, n.product_id, n.duration_seconds
    ) is distinct from (
        own.day, own.customer_id, own.session_id, own.occurred_at, own.event_type, own.product_id,
        own.duration_seconds
    )) as is_there
from numbered as n
left join own on n.event_id = own.event_id
left join lateral (
    select true as is_known
    from core.events as e
    where own.event_id is null and e.event_id = n.event_id
    order by e.event_id
    limit 1
) as known on true;
analyze judged (event_id, rule, is_there, is_merged);

delete from core.events as c
where
    c.day >= coalesce(%(first)s::date, '-infinity') and c.day < %(end)s::date
    and not exists (select from judged as j where j.event_id = c.event_id and j.is_there);

insert into core.events
(event_id, customer_id, session_id, day, occurred_at, event_type, product_id, duration_seconds)
select
    event_id,
    customer_id,
    session_id,
    day,
    occurred_at,
    event_type,
    product_id,
    duration_seconds
from judged
where rule is null and not is_merged and not is_there;

delete from quarantine.events
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.events
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
