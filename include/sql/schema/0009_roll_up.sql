-- Purpose: a roll-up by month, and what a night needs instead of the history.
-- Grain: customer and day, month or date. Part of the ninth migration: rows that are there are kept.
-- Caveat: month starts and the mix of products are made by the next night that needs them.

alter table features.customer_day rename to customer_day_before;
create table features.customer_day (
    like features.customer_day_before including defaults including comments,
    primary key (customer_id, day)
) partition by range (day);
create index on features.customer_day (day);
comment on table features.customer_day is
'additive roll-up, a partition a month; orders that were cancelled later are in it, and taken off by '
'customer_day_cancelled';

create table features.customer_product_day (
    customer_id text collate "C" not null,
    day date not null,
    product_id text collate "C" not null,
    category text collate "C",
    cancelled_on date,
    lines integer not null
) partition by range (day);
create index on features.customer_product_day (customer_id);
create index on features.customer_product_day (day);
comment on table features.customer_product_day is
'lines of products bought, services left out, a partition a month: what the mix of a year is counted from';
comment on column features.customer_product_day.customer_id is 'the id of the customer in the shop';
comment on column features.customer_product_day.day is 'the day of the order in the time zone of the shop';
comment on column features.customer_product_day.product_id is 'the id of the product in the shop';
comment on column features.customer_product_day.category is 'as the source says it; null: none';
comment on column features.customer_product_day.cancelled_on is
'the day the order was cancelled; null: it was not';
comment on column features.customer_product_day.lines is 'order lines with quantity > 0 and unit_price > 0';

do $$
declare
    m date;
    suffix text;
    parent text;
begin
    for m in
        select distinct date_trunc('month', days.day)::date
        from (
            select day from features.customer_day_before
            union
            select day from core.order_items
        ) as days
    loop
        suffix := to_char(m, 'YYYYMM');
        foreach parent in array array['customer_day', 'customer_product_day'] loop
            execute format(
                'create table features.%%I partition of features.%%I for values from (%%L) to (%%L)',
                parent || '_' || suffix, parent, m, (m + interval '1 month')::date
            );
        end loop;
    end loop;
end
$$;
insert into features.customer_day
select * from features.customer_day_before;
drop table features.customer_day_before;
insert into features.customer_product_day (customer_id, day, product_id, category, cancelled_on, lines)
select
    i.customer_id,
    i.day,
    i.product_id,
    i.category,
    o.cancelled_on,
    count(*)
from core.order_items as i
inner join core.orders as o on i.order_id = o.order_id
where i.quantity > 0 and i.unit_price > 0 and not i.is_service
group by i.customer_id, i.day, i.product_id, i.category, o.cancelled_on;

create index on features.customer_day_cancelled (cancelled_on);

create table features.customer_order_day (
    customer_id text collate "C" not null,
    day date not null,
    orders integer not null,
    primary key (customer_id, day)
);
create index on features.customer_order_day (day);
insert into features.customer_order_day (customer_id, day, orders)
select
    customer_id,
    day,
    orders
from features.customer_day
where orders > 0;
comment on table features.customer_order_day is
'the days of customer_day with an order, by customer: whose order is cancelled has the rhythm counted again';
comment on column features.customer_order_day.customer_id is 'the id of the customer in the shop';
comment on column features.customer_order_day.day is 'the day of the fact in the time zone of the shop';
comment on column features.customer_order_day.orders is 'orders placed, as in customer_day';

create table features.customer_cumulative (
    month date not null,
    customer_id text collate "C" not null,
    orders integer not null,
    cancelled_orders integer not null,
    weekend_orders integer not null,
    morning_orders integer not null,
    evening_orders integer not null,
    night_orders integer not null,
    lines bigint not null,
    discounted_lines bigint not null,
    order_days integer not null,
    active_months integer not null,
    first_order_day date,
    last_order_day date,
    last_visit_day date,
    gap_squares bigint not null,
    gross_cents bigint not null,
    discount_cents bigint not null,
    returned_cents bigint not null,
    placed_spend_cents bigint not null,
    sessions bigint not null,
    views bigint not null,
    carts bigint not null,
    reviews bigint not null,
    rated_reviews bigint not null,
    poor_reviews bigint not null,
    review_chars bigint not null,
    units numeric not null,
    dwell_seconds numeric not null,
    rating_sum numeric not null,
    primary key (month, customer_id)
) partition by list (month);
comment on table features.customer_cumulative is
'totals of all days before the start of a month, cancellations known by then taken off; a partition a month';

create table features.customer_mix (
    slot smallint not null,
    customer_id text collate "C" not null,
    products integer not null,
    lines integer not null,
    categories integer not null,
    entropy double precision not null,
    primary key (slot, customer_id)
) partition by list (slot);
create table features.customer_mix_1 partition of features.customer_mix for values in (1);
create table features.customer_mix_2 partition of features.customer_mix for values in (2);
create table features.customer_mix_3 partition of features.customer_mix for values in (3);
create table features.customer_mix_4 partition of features.customer_mix for values in (4);
comment on table features.customer_mix is
'what a customer bought in the 365 days before the date of the slot (features.anchors); a night moves the '
'slot to its date by those customers whose year has changed';
comment on column features.customer_mix.slot is 'the slot: features.anchors says of which date it is';
comment on column features.customer_mix.customer_id is 'the id of the customer in the shop';
comment on column features.customer_mix.products is 'different products';
comment on column features.customer_mix.lines is 'order lines';
comment on column features.customer_mix.categories is 'different categories';
comment on column features.customer_mix.entropy is '-sum p ln p over the shares of lines by category';

create table features.anchors (
    kind text not null check (kind in ('month', 'mix')),
    slot smallint not null default 0,
    as_of_date date not null,
    used_at timestamptz not null default clock_timestamp(),
    check ((kind = 'mix') = (slot > 0))
);
create unique index on features.anchors (as_of_date) where kind = 'month';
create unique index on features.anchors (slot) where kind = 'mix';
comment on table features.anchors is
'the dates at which customer_cumulative (kind month) and customer_mix (kind mix) stand, and are right';
comment on column features.anchors.kind is 'month: customer_cumulative; mix: customer_mix';
comment on column features.anchors.slot is 'the slot of customer_mix; 0 for a month';
comment on column features.anchors.as_of_date is 'facts before this date are in it';
comment on column features.anchors.used_at is 'when it was last made or moved; the oldest mix gives way';

comment on column features.customer_cumulative.month is 'first day of the month; all days before it are in';
comment on column features.customer_cumulative.customer_id is 'the id of the customer in the shop';
comment on column features.customer_cumulative.orders is 'orders, less those cancelled by then';
comment on column features.customer_cumulative.cancelled_orders is 'orders cancelled by then';
comment on column features.customer_cumulative.weekend_orders is 'orders on Saturday or Sunday';
comment on column features.customer_cumulative.morning_orders is 'orders from 5 to 12 h';
comment on column features.customer_cumulative.evening_orders is 'orders from 17 to 22 h';
comment on column features.customer_cumulative.night_orders is 'orders from 22 to 5 h';
comment on column features.customer_cumulative.lines is 'order lines that are purchases';
comment on column features.customer_cumulative.discounted_lines is 'those of them with a discount';
comment on column features.customer_cumulative.order_days is 'days with an order';
comment on column features.customer_cumulative.active_months is 'calendar months with an order';
comment on column features.customer_cumulative.first_order_day is 'first day with an order';
comment on column features.customer_cumulative.last_order_day is 'last day with an order';
comment on column features.customer_cumulative.last_visit_day is 'last day with a session';
comment on column features.customer_cumulative.gap_squares is
'sum of the squares of the days between an order day and the next';
comment on column features.customer_cumulative.gross_cents is 'before discounts and returns';
comment on column features.customer_cumulative.discount_cents is 'discounts given';
comment on column features.customer_cumulative.returned_cents is 'refunded for returns';
comment on column features.customer_cumulative.placed_spend_cents is
'gross - discounts - returns of all orders placed, also of those cancelled: the year of a date is a '
'difference of it, less the cancellations of that year';
comment on column features.customer_cumulative.sessions is 'distinct sessions of each day, summed';
comment on column features.customer_cumulative.views is 'view events';
comment on column features.customer_cumulative.carts is 'cart events';
comment on column features.customer_cumulative.reviews is 'reviews written';
comment on column features.customer_cumulative.rated_reviews is 'those of them with a rating';
comment on column features.customer_cumulative.poor_reviews is 'those of them with a rating of 1 or 2';
comment on column features.customer_cumulative.review_chars is 'characters of all reviews';
comment on column features.customer_cumulative.units is 'pieces bought, service lines left out';
comment on column features.customer_cumulative.dwell_seconds is 'duration of all events';
comment on column features.customer_cumulative.rating_sum is 'sum of the ratings';
