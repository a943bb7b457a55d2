-- Purpose: the lines of a file of transactions, each in its order.
-- Grain: line of the file. Inputs: transactions.parsed. Read by extract/transactions.
-- Parameters: day_only, timezone, has_product, share (discounts are shares of the price), priced (prices
--     are given, and no amounts).
-- Caveats: an order number that several customers have is told apart by the customer. An order stands on
--     one day; its lines of later days are orders of their own, so that no date sees what came after it.
--     Lines that came to nothing in an order of which others count are an order of their own. Of the hour
--     that is there twice when clocks go back, orders without a number in the second one are told apart. A
--     line without the number of its product is of the product of its name.
-- Re-run: made anew with each file.
create table transactions.lines as
with timed as (
    select
        line,
        is_unreadable,
        customer_id,
        order_number,
        case when %(has_product)s then coalesce(product_id, product_name, 'unknown') else 'any' end as product_id,
        product_name,
        category,
        pieces,
        paid,
        price,
        currency,
        is_out,
        cancelled_at,
        reduction,
        case
            when is_unreadable
                then (select max(p.instant) from transactions.parsed as p where p.instant <= now())
            else instant
        end as instant
    from transactions.parsed
),

numbered as (
    select
        timed.*,
        (instant at time zone %(timezone)s)::date as day,
        case
            when is_unreadable or (order_number is null and customer_id is null) then 'line ' || line
            when order_number is null
                then customer_id || to_char(
                    instant at time zone %(timezone)s,
                    case when %(day_only)s then ' YYYY-MM-DD' else ' YYYY-MM-DD HH24:MI:SS' end
                ) || case
                    when
                        not %(day_only)s
                        and (instant - interval '1 hour') at time zone %(timezone)s
                        = instant at time zone %(timezone)s
                        then ' again'
                    else ''
                end
            when
                min(customer_id) over (partition by order_number)
                <> max(customer_id) over (partition by order_number)
                then coalesce(customer_id || ' ', '') || order_number
            else order_number
        end as base
    from timed
),

dated as (
    select
        numbered.*,
        base || case when day > min(day) over (partition by base) then ' ' || day else '' end as whole_id
    from numbered
),

told_apart as (
    select
        dated.*,
        whole_id || case
            when is_out and not bool_and(is_out) over (partition by whole_id) then ' cancelled' else ''
        end as order_id
    from dated
),

priced as (
    select
        told_apart.*,
        min(instant) over (partition by order_id) as placed_at,
        row_number() over (partition by order_id order by line) as line_no,
        pieces < 0 or coalesce(case when %(priced)s then price else paid end, 0) < 0 as is_return,
        case
            when %(priced)s then abs(price * pieces)
            when %(share)s and reduction < 1 then abs(paid) / (1 - reduction)
            when %(share)s then abs(paid)
            when pieces < 0 or paid < 0 then abs(paid)
            else abs(paid) + reduction
        end as gross
    from told_apart
)

select
    line,
    is_unreadable,
    order_id,
    line_no::integer as line_no,
    customer_id,
    placed_at,
    product_id,
    category,
    case when is_return then -abs(pieces) else pieces end as quantity,
    case when pieces <> 0 then gross / abs(pieces) else 0 end as unit_price,
    case
        when is_return then 0
        when %(priced)s and %(share)s then gross * reduction
        when %(priced)s then reduction
        when %(share)s then gross - abs(paid)
        else reduction
    end as discount,
    currency,
    is_out,
    cancelled_at,
    product_name
from priced
