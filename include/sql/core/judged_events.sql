-- Purpose: events as they are judged: tidied, each with the rule that it breaks (null: none) and as it came (raw).
-- Grain: event, as extracted. Inputs: staging.events of the window.
-- Parameters: first (null: all history), end: the window's days; max_text_bytes.
-- Row rules, the first that applies: text_too_long, event_id_missing, customer_missing (anonymous),
--     occurred_at_missing, event_type_missing.
-- Blanked: a duration below zero or above a day is unknown.
-- Re-run: reads only; events.sql and first_load.sql include it.
-- Caveat: `offset 0` has what several columns are made of computed once a row.
with typed as (
    select
        day,
        nullif(btrim(event_id), '') as event_id,
        nullif(btrim(customer_id), '') as customer_id,
        nullif(btrim(session_id), '') as session_id,
        occurred_at,
        lower(btrim(event_type)) as event_type,
        nullif(btrim(product_id), '') as product_id,
        duration_seconds,
        greatest(
            octet_length(event_id), octet_length(customer_id), octet_length(session_id),
            octet_length(event_type), octet_length(product_id)
        ) > %(max_text_bytes)s as is_too_long,
        s as raw
    from staging.events as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    offset 0 -- noqa: AM09
)

select
    day,
    event_id,
    customer_id,
    session_id,
    occurred_at,
    event_type,
    product_id,
    case when duration_seconds between 0 and 86400 then duration_seconds end as duration_seconds,
    case
        when is_too_long then 'text_too_long'
        when event_id is null then 'event_id_missing'
        when customer_id is null then 'customer_missing'
        when occurred_at is null then 'occurred_at_missing'
        when nullif(event_type, '') is null then 'event_type_missing'
    end as rule,
    raw
from typed
