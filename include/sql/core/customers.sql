-- Purpose: customers' attributes as they were known, with validity.
-- Grain: customer and the day from which the attributes held (valid_from).
-- Inputs: staging.customers: the window, and all days of the customers it touches.
-- Parameters: first (null: all history), end: the window's days; timezone; min_birth_year;
--     max_text_bytes; run_id.
-- Row rules, the first that applies: text_too_long, customer_id_missing.
-- Merged: a second row of a customer on a day (the newest updated_at is kept), and one that changes nothing.
-- Blanked: a year of birth before min_birth_year or after the day, a sign-up after the day.
-- Re-run: the customers touched are deleted and inserted.
create temp table touched on commit drop as
select nullif(btrim(customer_id), '') as customer_id
from staging.customers
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date
union
select customer_id
from core.customers
where valid_from >= coalesce(%(first)s::date, '-infinity') and valid_from < %(end)s::date;

delete from core.customers
where customer_id in (select customer_id from touched);

create temp table judged on commit drop as
with known as (
    select
        s.day,
        nullif(btrim(s.customer_id), '') as customer_id,
        case
            when (s.signed_up_at at time zone %(timezone)s)::date <= s.day
                then (s.signed_up_at at time zone %(timezone)s)::date
        end as signed_up_on,
        case
            when s.birth_year between %(min_birth_year)s and extract(year from s.day) then s.birth_year
        end as birth_year,
        nullif(lower(btrim(s.gender)), '') as gender,
        nullif(btrim(s.country), '') as country,
        nullif(btrim(s.region), '') as region,
        nullif(btrim(s.city), '') as city,
        nullif(btrim(s.email_sha256), '') as email_sha256,
        s.consent,
        s.updated_at,
        case
            when
                greatest(
                    octet_length(s.customer_id), octet_length(s.gender), octet_length(s.country),
                    octet_length(s.region), octet_length(s.city), octet_length(s.email_sha256)
                ) > %(max_text_bytes)s
                then 'text_too_long'
            when nullif(btrim(s.customer_id), '') is null then 'customer_id_missing'
        end as rule,
        s as raw
    from staging.customers as s
    where
        (s.day >= coalesce(%(first)s::date, '-infinity') and s.day < %(end)s::date)
        or btrim(s.customer_id) in (select t.customer_id from touched as t)
),

numbered as (
    select
        k.*,
        row_number() over (
            partition by k.rule is null, k.customer_id, k.day
            order by
                k.updated_at desc nulls last, k.email_sha256, k.country, k.region, k.city, k.gender,
                k.birth_year, k.consent, k.signed_up_on
        ) as copy
    from known as k
),

compared as (
    select
        n.*,
        lag(n.attributes) over (
            partition by n.rule is null, n.customer_id, n.copy = 1 order by n.day
        ) as attributes_before
    from (
        select
            numbered.*,
            row(
                signed_up_on, birth_year, gender, country, region, city, email_sha256, consent
            )::text as attributes
        from numbered
    ) as n
)

select
    c.*,
    c.rule is null and (c.copy > 1 or c.attributes is not distinct from c.attributes_before) as is_merged
from compared as c;

insert into core.customers
(
    customer_id, valid_from, valid_to, signed_up_on, birth_year, gender, country, region, city, email_sha256,
    consent
)
select
    customer_id,
    day,
    lead(day, 1, 'infinity'::date) over (partition by customer_id order by day),
    signed_up_on,
    birth_year,
    gender,
    country,
    region,
    city,
    email_sha256,
    consent
from judged
where rule is null and not is_merged;

delete from judged
where day < coalesce(%(first)s::date, '-infinity') or day >= %(end)s::date;

delete from quarantine.customers
where day >= coalesce(%(first)s::date, '-infinity') and day < %(end)s::date;

insert into quarantine.customers
select
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null
