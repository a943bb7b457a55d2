-- Purpose: the values of a file of transactions, once it is known how numbers and dates are written.
-- Grain: line of the file. Inputs: transactions.raw. The session has the shop's time zone, and a DateStyle
--     with the order of day, month and year: Postgres reads the dates.
-- Parameters: clock (text, epoch, epoch_ms, serial), decimal (. or ,), timezone.
-- Columns: written is the file's own clock, instant the moment (they differ where the file has offsets).
-- Caveat: a year before 1900 stands for an unknown date.
create table transactions.parsed as
with bare as (
    select
        line,
        problem,
        nullif(customer_id, '') as customer_id,
        nullif(ordered_at, '') as ordered_at,
        nullif(amount, '') as amount,
        nullif(order_id, '') as order_id,
        nullif(product_id, '') as product_id,
        nullif(category, '') as category,
        nullif(quantity, '') as quantity,
        nullif(unit_price, '') as unit_price,
        nullif(discount, '') as discount,
        nullif(upper(currency), '') as currency
    from transactions.raw
),

judged as (
    select
        bare.*,
        case %(clock)s
            when 'text' then ordered_at !~ '^\d{1,7}$' and transactions.is_instant(ordered_at)
            when 'epoch' then ordered_at ~ '^\d{9,10}(\.\d+)?$'
            when 'epoch_ms' then ordered_at ~ '^\d{12,13}$'
            else ordered_at ~ '^[2-6]\d{4}(\.\d+)?$'
        end as is_date,
        transactions.number(amount, %(decimal)s) as paid,
        transactions.number(unit_price, %(decimal)s) as price,
        transactions.number(quantity, %(decimal)s) as pieces,
        transactions.number(discount, %(decimal)s) as reduction
    from bare
),

timed as (
    select
        judged.*,
        case
            when not is_date then null
            when %(clock)s = 'text' then ordered_at::timestamp
            when %(clock)s = 'serial'
                then timestamp '1899-12-30' + round(ordered_at::numeric * 86400)::bigint * interval '1 second'
            else
                to_timestamp(ordered_at::numeric / case when %(clock)s = 'epoch' then 1 else 1000 end)
                at time zone 'UTC'
        end as written,
        case
            when not is_date then null
            when %(clock)s = 'text' then ordered_at::timestamptz
            when %(clock)s <> 'serial'
                then to_timestamp(ordered_at::numeric / case when %(clock)s = 'epoch' then 1 else 1000 end)
        end as instant
    from judged
)

select
    line,
    case
        when problem is not null then problem
        when ordered_at is not null and (written is null or written < timestamp '1900-01-02')
            then 'is no date: ' || ordered_at
        when amount is not null and paid is null then 'is no amount: ' || amount
        when unit_price is not null and price is null then 'is no price: ' || unit_price
        when quantity is not null and pieces is null then 'is no quantity: ' || quantity
        when discount is not null and reduction is null then 'is no discount: ' || discount
    end as problem,
    problem is not null or coalesce(written < timestamp '1900-01-02', true) as is_unreadable,
    case
        when customer_id like '%%@%%' then encode(sha256(convert_to(lower(customer_id), 'UTF8')), 'hex')
        else regexp_replace(customer_id, '^(\d+)\.0+$', '\1')
    end as customer_id,
    case when written >= timestamp '1900-01-02' then written end as written,
    coalesce(instant, written at time zone %(timezone)s) as instant,
    paid,
    price,
    case when quantity is null then 1 else pieces end as pieces,
    case when discount is null then 0 else abs(reduction) end as reduction,
    order_id,
    product_id,
    category,
    currency
from timed
