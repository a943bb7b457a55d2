-- Purpose: the orders that count for nobody, kept by the roll-up: to find them each night read all lines of a year.
-- Grain: order. Part of the migration of the same number.

create table features.order_without_purchase (
    customer_id text collate "C" not null,
    day date not null,
    order_id text collate "C" primary key
);
insert into features.order_without_purchase (customer_id, day, order_id)
select
    o.customer_id,
    o.day,
    o.order_id
from core.orders as o
where
    not exists (
        select from core.order_items as i
        where i.order_id = o.order_id and i.quantity > 0 and i.unit_price > 0
    );
create index on features.order_without_purchase (day);
create index on features.order_without_purchase (customer_id);
comment on table features.order_without_purchase is
'orders that count for nobody, as no line of them is a purchase: gifts, or nothing but returns';
comment on column features.order_without_purchase.customer_id is 'the id of the customer in the shop';
comment on column features.order_without_purchase.day is 'the day of the fact in the time zone of the shop';
comment on column features.order_without_purchase.order_id is 'the id of the order in the shop';
