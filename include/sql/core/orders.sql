-- Purpose: clean orders.
-- Grain: order. Inputs: staging.orders of the window.
-- Parameters: first (null: all history), end: the window's days; timezone; max_text_bytes; run_id.
-- Row rules, the first that applies: text_too_long, order_id_missing, customer_missing,
--     ordered_at_missing, ordered_at_in_future (dated after the day on which it was written). The last one
--     does not apply to days for which it is released (quarantine.releases).
-- Merged: a second row of the same order_id; the newest updated_at is kept. An order_id that stands on
--     another day already is merged into that one.
-- Re-run: of the window's days that are there, only rows that differ are deleted and inserted: a night reads
--     ten days again of which hardly a row has changed.
-- Caveat: an order of a customer whom the shop's customers table does not know is kept, and the source gate
--     counts it: on the as-of date of a backfill, nobody can tell it from a customer who changed since.
create temp table judged on commit drop as
with judged as (
    {{ judged }}
),

own as (
    select *
    from core.orders
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
),

-- only what is there twice is sorted, and what other days have is looked up row by row
copied as (
    select order_id
    from judged
    where rule is null
    group by order_id
    having count(*) > 1
),

numbered as (
    select
        j.*,
        1 as copy
    from judged as j
    where j.rule is not null or not exists (select from copied as c where c.order_id = j.order_id)
    union all
    select
        j.*,
        row_number() over (
            partition by j.order_id
            order by {{ first_copy }}
        ) as copy
    from judged as j
    where j.rule is null and exists (select from copied as c where c.order_id = j.order_id)
)

select
    n.day,
    n.order_id,
    n.customer_id,
    n.ordered_at,
    n.local_hour,
    n.status,
    n.cancelled_on,
    n.channel,
    n.currency,
    n.rule,
    case when n.rule is not null then n.raw end as raw,
    n.rule is null and (n.copy > 1 or known.is_known is not null) as is_merged,
    n.rule is null and n.copy = 1 and own.order_id is not null
    and not ((
        n.day, n.customer_id, n.ordered_at, n.local_hour, n.status, n.cancelled_on, n.channel, n.currency
    ) is distinct from (
        own.day, own.customer_id, own.ordered_at, own.local_hour, own.status, own.cancelled_on, own.channel,
        own.currency
    )) as is_there
from numbered as n
left join own on n.order_id = own.order_id
left join lateral (
    select true as is_known
    from core.orders as o
    where own.order_id is null and o.order_id = n.order_id
    order by o.order_id
    limit 1
) as known on true;
analyze judged (order_id, rule, is_there, is_merged);

delete from core.orders as c
where
    c.day >= coalesce(%(first)s::date, '-infinity') and c.day < %(end)s::date
    and not exists (select from judged as j where j.order_id = c.order_id and j.is_there);

insert into core.orders
(order_id, customer_id, day, ordered_at, local_hour, status, cancelled_on, channel, currency)
select
    order_id,
    customer_id,
    day,
    ordered_at,
    local_hour,
    status,
    cancelled_on,
    channel,
    currency
from judged
where rule is null and not is_merged and not is_there;

delete from quarantine.orders
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.orders
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
