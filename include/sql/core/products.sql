-- Purpose: the catalogue as it was known, with validity. A shop says what is, and not since when: each reading
--     is compared with the one before.
-- Grain: product and the day from which it was so. Inputs: staging.products. Parameters: end: the day after
--     the reading's; max_text_bytes; run_id, timezone.
-- Row rules, the first that applies: text_too_long, product_missing, price_negative.
-- Merged: a second row of a product.
-- Re-run: the versions of the day are made again. Of a date before the newest reading nothing is changed: the
--     shop's catalogue of today is not that of then.
-- Caveat: what is read first is taken to have always been so.
create temp table judged on commit drop as
with typed as (
    select
        nullif(btrim(product_id), '') as product_id,
        nullif(btrim(name), '') as name,
        nullif(btrim(category), '') as category,
        price,
        nullif(btrim(image), '') as image,
        coalesce(available, true) as is_available,
        case
            when
                greatest(
                    octet_length(product_id), octet_length(name), octet_length(category), octet_length(image)
                ) > %(max_text_bytes)s
                then 'text_too_long'
            when nullif(btrim(product_id), '') is null then 'product_missing'
            when price < 0 then 'price_negative'
        end as rule,
        s as raw
    from staging.products as s
)

select
    t.*,
    t.rule is null and row_number() over (
        partition by t.rule is null, t.product_id
        order by t.is_available desc, t.name nulls last, t.category nulls last, t.price, t.image
    ) > 1 as is_merged
from typed as t;

create temp table reading on commit drop as
select
    product_id,
    name,
    category,
    price,
    image,
    is_available,
    %(end)s::date - 1 as day,
    not exists (select from core.products as p where p.valid_from >= %(end)s::date)
    and not exists (
        select from core.products as p where p.valid_to < 'infinity' and p.valid_to >= %(end)s::date
    ) as is_newest,
    case
        when exists (select from core.products) then %(end)s::date - 1 else '-infinity'::date
    end as valid_from
from judged
where rule is null and not is_merged;

delete from core.products as p
using (select distinct day from reading where is_newest) as r
where p.valid_from = r.day;
update core.products as p
set valid_to = 'infinity'
from (select distinct day from reading where is_newest) as r
where p.valid_to = r.day;

update core.products as p
set valid_to = n.day
from (select distinct day from reading where is_newest) as n
where
    p.valid_to = 'infinity'
    and not exists (
        select from reading as r
        where
            r.product_id = p.product_id
            and not (
                (r.name, r.category, r.price, r.image, r.is_available)
                is distinct from (p.name, p.category, p.price, p.image, p.is_available)
            )
    );

insert into core.products (product_id, valid_from, name, category, price, image, is_available)
select
    r.product_id,
    r.valid_from,
    r.name,
    r.category,
    r.price,
    r.image,
    r.is_available
from reading as r
where
    r.is_newest
    and not exists (select from core.products as p where p.product_id = r.product_id and p.valid_to = 'infinity');

delete from quarantine.products;
insert into quarantine.products (day, product_id, name, category, price, image, available, rule, run_id)
select
    %(end)s::date - 1,
    (raw).*,
    rule,
    %(run_id)s
from judged
where rule is not null;

insert into core.row_counts (run_id, table_name, rows_in, kept, merged, quarantined, rules)
select
    %(run_id)s,
    'products',
    (select count(*) from staging.products),
    (select count(*) from reading),
    (select count(*) from judged where is_merged),
    (select count(*) from quarantine.products),
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
        rules = excluded.rules;

drop table judged, reading
