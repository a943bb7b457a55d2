-- Purpose: What is known of each customer at a date is carried from night to night.
-- Grain: see the comments. Part of the migration of the same number.
-- Caveat: columns are ordered by alignment, what many customers have nothing of is null, and a page keeps room for
--     customers who change: so a customer takes some 160 bytes, and the key 25.

create table features.customer_history (
    gross_cents bigint,
    largest_cents bigint,
    discount_cents bigint,
    returned_cents bigint,
    spend_cents_30d bigint,
    spend_cents_90d bigint,
    spend_cents_180d bigint,
    spend_cents_365d bigint,
    spend_cents_season bigint,
    first_order_day date not null,
    last_order_day date not null,
    last_visit_day date,
    order_days integer not null,
    lines integer,
    sessions integer,
    reviews integer,
    sessions_30d integer,
    sessions_90d integer,
    carts_30d integer,
    carts_90d integer,
    views_90d integer,
    order_days_30d smallint,
    order_days_90d smallint,
    order_days_180d smallint,
    order_days_365d smallint,
    order_days_season smallint,
    customer_id text collate "C" not null
) with (fillfactor = 90);
comment on table features.customer_history is
'what is known of each customer with an order at the date of the checkpoint (features.checkpoints, kind history), '
'cancellations taken off; forecasts are made of it, and move it to their date by the days that come and go. '
'Null: nothing of it';
comment on column features.customer_history.gross_cents is 'before discounts and returns, in cents';
comment on column features.customer_history.largest_cents is
'the largest day with an order, net of discounts, in cents';
comment on column features.customer_history.discount_cents is 'discounts given, in cents';
comment on column features.customer_history.returned_cents is 'refunded for returns, in cents';
comment on column features.customer_history.spend_cents_30d is 'net spend of the last 30 days, in cents';
comment on column features.customer_history.spend_cents_90d is 'net spend of the last 90 days, in cents';
comment on column features.customer_history.spend_cents_180d is 'net spend of the last 180 days, in cents';
comment on column features.customer_history.spend_cents_365d is 'net spend of the last 365 days, in cents';
comment on column features.customer_history.spend_cents_season is
'net spend of the first 90 of the last 365 days, in cents';
comment on column features.customer_history.first_order_day is 'first day with an order';
comment on column features.customer_history.last_order_day is 'last day with an order';
comment on column features.customer_history.last_visit_day is 'last day with a session';
comment on column features.customer_history.order_days is 'days with an order';
comment on column features.customer_history.lines is 'order lines that are purchases, those of cancelled orders too';
comment on column features.customer_history.sessions is 'distinct sessions of each day, summed';
comment on column features.customer_history.reviews is 'reviews written';
comment on column features.customer_history.sessions_30d is 'sessions of the last 30 days';
comment on column features.customer_history.sessions_90d is 'sessions of the last 90 days';
comment on column features.customer_history.carts_30d is 'cart events of the last 30 days';
comment on column features.customer_history.carts_90d is 'cart events of the last 90 days';
comment on column features.customer_history.views_90d is 'view events of the last 90 days';
comment on column features.customer_history.order_days_30d is 'days with an order among the last 30';
comment on column features.customer_history.order_days_90d is 'days with an order among the last 90';
comment on column features.customer_history.order_days_180d is 'days with an order among the last 180';
comment on column features.customer_history.order_days_365d is 'days with an order among the last 365';
comment on column features.customer_history.order_days_season is
'days with an order among the first 90 of the last 365';
comment on column features.customer_history.customer_id is 'the id of the customer in the shop';
alter table features.customer_history add primary key (customer_id);

alter table features.checkpoints drop constraint checkpoints_kind_check;
alter table features.checkpoints add constraint checkpoints_kind_check check (
    kind in ('month', 'window', 'history')
);
create unique index checkpoints_history on features.checkpoints (kind) where kind = 'history';
comment on table features.checkpoints is
'the dates at which customer_cumulative (kind month), customer_diversity and customer_recent (kind window), and '
'customer_history (kind history) stand, and are right';
comment on column features.checkpoints.kind is
'month: customer_cumulative; window: customer_diversity and customer_recent; history: customer_history';
comment on column features.checkpoints.slot is
'the slot of customer_diversity and customer_recent; 0 for the other kinds';
