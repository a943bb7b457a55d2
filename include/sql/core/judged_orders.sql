-- Purpose: orders as they are judged: tidied, each with the rule that it breaks (null: none) and as it came (raw).
-- Grain: order, as extracted. Inputs: staging.orders of the window.
-- Parameters: first (null: all history), end: the window's days; timezone; max_text_bytes.
-- Row rules, the first that applies: text_too_long, order_id_missing, customer_missing,
--     ordered_at_missing, ordered_at_in_future (dated after the day on which it was written). The last one
--     does not apply to days for which it is released (quarantine.releases).
-- Re-run: reads only; orders.sql and first_load.sql include it.
-- Caveat: `offset 0` has what several columns are made of computed once a row.
with typed as (
    select
        day,
        nullif(btrim(order_id), '') as order_id,
        nullif(btrim(customer_id), '') as customer_id,
        ordered_at,
        ordered_at at time zone %(timezone)s as local_at,
        lower(btrim(status)) as status,
        cancelled_at,
        channel,
        currency,
        updated_at,
        greatest(
            octet_length(order_id), octet_length(customer_id), octet_length(status),
            octet_length(channel), octet_length(currency)
        ) > %(max_text_bytes)s as is_too_long,
        s as raw
    from staging.orders as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
    offset 0 -- noqa: AM09
)

select
    day,
    order_id,
    customer_id,
    ordered_at,
    status,
    case
        when cancelled_at is not null or status in ('cancelled', 'canceled')
            then greatest(
                (coalesce(cancelled_at, updated_at, ordered_at) at time zone %(timezone)s)::date, day
            )
    end as cancelled_on,
    nullif(lower(btrim(channel)), '') as channel,
    nullif(upper(btrim(currency)), '') as currency,
    updated_at,
    date_part('hour', local_at)::smallint as local_hour,
    case
        when is_too_long then 'text_too_long'
        when order_id is null then 'order_id_missing'
        when customer_id is null then 'customer_missing'
        when ordered_at is null then 'ordered_at_missing'
        when
            local_at::date > day
            and not quarantine.is_released('orders', 'ordered_at_in_future', day)
            then 'ordered_at_in_future'
    end as rule,
    raw
from typed
