-- Purpose: products for each customer and segment, and how good such recommendations were.
-- Grain: see the comments. Part of a migration of its own.
-- Caveat: ten rows a customer and date would be ten million rows a night at a million customers. So a customer
--     of a date is one row with arrays, and the view that readers use takes them apart.

------------------------------------------------------------------------------------ the shop's catalogue

create table staging.products (
    product_id text collate "C",
    name text,
    category text,
    price numeric,
    image text,
    available boolean
);
comment on table staging.products is 'the catalogue as it was read last, where the source has one; replaced as a whole';
create table quarantine.products (
    day date not null,
    like staging.products,
    rule text not null,
    run_id text not null
);
create index on quarantine.products (day);
comment on table quarantine.products is
'products that broke a row rule when the catalogue was read last; day is the day before its as-of date';

do $$
declare
    place text;
begin
    foreach place in array array['staging', 'quarantine'] loop
        execute format('comment on column %%I.products.product_id is %%L', place, 'the id of the product in the shop');
        execute format('comment on column %%I.products.name is %%L', place, 'as the shop shows it');
        execute format('comment on column %%I.products.category is %%L', place, 'as the shop shows it');
        execute format('comment on column %%I.products.price is %%L', place, 'the price asked');
        execute format('comment on column %%I.products.image is %%L', place, 'the address of a picture');
        execute format('comment on column %%I.products.available is %%L', place, 'it can be bought; null: it can');
    end loop;
end
$$;
comment on column quarantine.products.day is 'the day before the as-of date that read it';
comment on column quarantine.products.rule is 'the row rule it broke: the first that applies';
comment on column quarantine.products.run_id is 'the run that put it aside';

create table core.products (
    product_id text collate "C" not null,
    valid_from date not null,
    valid_to date not null default 'infinity',
    name text,
    category text,
    price numeric,
    image text,
    is_available boolean not null,
    primary key (product_id, valid_from),
    check (valid_from < valid_to)
);
comment on table core.products is
'the catalogue as it was known: on an as-of date D the row with valid_from < D <= valid_to';
comment on column core.products.product_id is 'the id of the product in the shop';
comment on column core.products.valid_from is
'the day at whose end it was so; -infinity: so since the catalogue was read first';
comment on column core.products.valid_to is 'the day at whose end it was no longer so; infinity: it is so';
comment on column core.products.name is 'as the shop shows it';
comment on column core.products.category is 'as the shop shows it';
comment on column core.products.price is 'the price asked, in the shop''s currency';
comment on column core.products.image is 'the address of a picture';
comment on column core.products.is_available is 'it can be bought; where the shop does not say, it is taken to be so';

alter table segments.segment_products add column name text;
comment on column segments.segment_products.name is 'as the catalogue has it; null: it has none';

---------------------------------------------------------------------------------------- recommendations

create table segments.customer_recommendation_lists (
    as_of_date date not null,
    customer_id text collate "C" not null,
    new_products smallint not null,
    products integer[] not null,
    because integer[] not null,
    primary key (as_of_date, customer_id)
) partition by list (as_of_date);
comment on table segments.customer_recommendation_lists is
'the products recommended to each customer, as they are kept; read customer_recommendations';
comment on column segments.customer_recommendation_lists.as_of_date is 'facts before this date count';
comment on column segments.customer_recommendation_lists.customer_id is 'the id of the customer in the shop';
comment on column segments.customer_recommendation_lists.new_products is
'so many of the products, from the first, were never bought by the customer; the others were';
comment on column segments.customer_recommendation_lists.products is
'numbers of recommended_products of the date, the best first, new ones before those bought before';
comment on column segments.customer_recommendation_lists.because is
'the product of the customer''s own that speaks for each product, as its number; 0: none does, it is popular';

create table segments.recommended_products (
    as_of_date date not null,
    product_number integer not null,
    product_id text collate "C" not null,
    name text,
    category text,
    is_sold boolean not null,
    primary key (as_of_date, product_number)
);
comment on table segments.recommended_products is
'the products that the recommendations of a date are made of, by their number in it';
comment on column segments.recommended_products.as_of_date is 'facts before this date count';
comment on column segments.recommended_products.product_number is 'from 1; of this date only';
comment on column segments.recommended_products.product_id is 'the id of the product in the shop';
comment on column segments.recommended_products.name is 'as the catalogue has it; null: it has none';
comment on column segments.recommended_products.category is
'as the catalogue, or else the order lines say it; null: neither does';
comment on column segments.recommended_products.is_sold is
'it may be recommended: in the catalogue, available, and bought lately';

create view segments.customer_recommendations as
select
    l.as_of_date,
    l.customer_id,
    r.rank::integer as rank,
    p.product_id,
    p.name,
    p.category,
    case when r.rank <= l.new_products then 'new' else 'repeat' end as kind,
    case
        when r.rank > l.new_products then 'bought_before'
        when b.product_id is not null then 'bought_with'
        else 'popular'
    end as reason,
    b.product_id as because_product_id,
    b.name as because_name
from segments.customer_recommendation_lists as l
cross join lateral unnest(l.products, l.because) with ordinality as r (product, because, rank)
inner join segments.recommended_products as p
    on l.as_of_date = p.as_of_date and r.product = p.product_number
left join segments.recommended_products as b
    on l.as_of_date = b.as_of_date and r.because = b.product_number;
comment on view segments.customer_recommendations is
'the products recommended to each customer, the best first';
comment on column segments.customer_recommendations.as_of_date is 'facts before this date count';
comment on column segments.customer_recommendations.customer_id is 'the id of the customer in the shop';
comment on column segments.customer_recommendations.rank is
'from 1, without gaps; products that are new to the customer come before those bought before';
comment on column segments.customer_recommendations.product_id is 'the id of the product in the shop';
comment on column segments.customer_recommendations.name is 'as the catalogue has it; null: it has none';
comment on column segments.customer_recommendations.category is
'as the catalogue, or else the order lines say it; null: neither does';
comment on column segments.customer_recommendations.kind is
'new: the customer never bought it; repeat: the customer did';
comment on column segments.customer_recommendations.reason is
'bought_with: who buys because_product_id buys this; bought_before: by the customer; popular: most buy it';
comment on column segments.customer_recommendations.because_product_id is
'the product of the customer''s own that speaks for this one; itself when bought before; null: popular';
comment on column segments.customer_recommendations.because_name is 'the name of that product';

create table segments.segment_recommendations (
    as_of_date date not null,
    segment_id integer not null,
    rank integer not null,
    product_id text collate "C" not null,
    name text,
    category text,
    customers integer not null,
    share numeric not null,
    lift numeric not null,
    primary key (as_of_date, segment_id, rank)
);
comment on table segments.segment_recommendations is
'the new products to show to a segment: those recommended to most of its customers';
comment on column segments.segment_recommendations.as_of_date is 'facts before this date count';
comment on column segments.segment_recommendations.segment_id is 'permanent id';
comment on column segments.segment_recommendations.rank is 'from 1, by customers';
comment on column segments.segment_recommendations.product_id is 'the id of the product in the shop';
comment on column segments.segment_recommendations.name is 'as the catalogue has it; null: it has none';
comment on column segments.segment_recommendations.category is
'as the catalogue, or else the order lines say it; null: neither does';
comment on column segments.segment_recommendations.customers is
'customers of the segment to whom it is recommended and who never bought it';
comment on column segments.segment_recommendations.share is 'these as a share of the segment';
comment on column segments.segment_recommendations.lift is 'that share against the share of all customers';

create table segments.recommendation_backtests (
    as_of_date date not null,
    tested_from date not null,
    tested_until date not null,
    recommender text not null,
    customers integer not null,
    hit20 numeric not null,
    recall20 numeric not null,
    is_baseline boolean not null,
    is_chosen boolean not null,
    primary key (as_of_date, tested_from, recommender)
);
comment on table segments.recommendation_backtests is
'what each way to recommend would have told on an earlier date, whose future is known by now; by it one is '
'chosen. Products that are new to the customer count';
comment on column segments.recommendation_backtests.as_of_date is 'facts before this date count';
comment on column segments.recommendation_backtests.tested_from is
'the earlier date: it was learnt from what was bought before it';
comment on column segments.recommendation_backtests.tested_until is
'and compared with what was bought from then to before this date';
comment on column segments.recommendation_backtests.recommender is
'popularity; neighbours: cosine of products; factors: truncated SVD of so many; _90d: purchases of 90 days ago '
'count half';
comment on column segments.recommendation_backtests.customers is
'customers tested: those who bought something then that they had never bought';
comment on column segments.recommendation_backtests.hit20 is
'share of them who find such a product among the first 20';
comment on column segments.recommendation_backtests.recall20 is
'mean share of these products that are among the 20';
comment on column segments.recommendation_backtests.is_baseline is 'the naive baseline: popularity';
comment on column segments.recommendation_backtests.is_chosen is
'the recommendations of as_of_date are made by it';

do $$
declare
    who text;
begin
    foreach who in array array['reader', 'segments_ui'] loop
        if exists (select from pg_roles where rolname = who) then
            execute format(
                'grant select on segments.customer_recommendation_lists, segments.recommended_products, '
                'segments.customer_recommendations, segments.segment_recommendations, '
                'segments.recommendation_backtests to %%I', who
            );
        end if;
    end loop;
end
$$;
