-- Purpose: clean reviews, without their text.
-- Grain: review. Inputs: staging.reviews of the window.
-- Parameters: first (null: all history), end: the window's days; max_text_bytes, max_body_bytes; run_id.
-- Row rules, the first that applies: text_too_long, review_id_missing, customer_missing,
--     reviewed_at_missing, rating_out_of_range (ratings are 1 to 5; a missing one is kept; not
--     on days for which it is released).
-- Merged: a second row of the same review_id.
-- Re-run: the window's days are deleted and inserted.
delete from core.reviews
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

create temp table judged on commit drop as
with judged as (
    select
        day,
        nullif(btrim(review_id), '') as review_id,
        nullif(btrim(customer_id), '') as customer_id,
        nullif(btrim(product_id), '') as product_id,
        reviewed_at,
        rating,
        char_length(coalesce(btrim(body), '')) as body_chars,
        case
            when
                octet_length(body) > %(max_body_bytes)s
                or greatest(octet_length(review_id), octet_length(customer_id), octet_length(product_id))
                > %(max_text_bytes)s
                then 'text_too_long'
            when nullif(btrim(review_id), '') is null then 'review_id_missing'
            when nullif(btrim(customer_id), '') is null then 'customer_missing'
            when reviewed_at is null then 'reviewed_at_missing'
            when
                rating not between 1 and 5
                and not quarantine.is_released('reviews', 'rating_out_of_range', day)
                then 'rating_out_of_range'
        end as rule,
        s as raw
    from staging.reviews as s
    where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
)

select
    j.*,
    j.rule is null and (
        row_number() over (
            partition by j.rule is null, j.review_id
            order by j.reviewed_at, j.customer_id, j.product_id, j.rating, j.body_chars
        ) > 1
        or exists (select from core.reviews as r where r.review_id = j.review_id)
    ) as is_merged
from judged as j;

insert into core.reviews (review_id, customer_id, product_id, day, reviewed_at, rating, body_chars)
select
    review_id,
    customer_id,
    product_id,
    day,
    reviewed_at,
    rating,
    body_chars
from judged
where rule is null and not is_merged;

delete from quarantine.reviews
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.reviews
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
