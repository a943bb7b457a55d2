-- Purpose: what customers did in the last 30, 90 and 180 days, moved from night to night as the mix is.
-- Grain: customer, for one slot. Part of the fifteenth migration.
-- Caveat: the slots of before have no recent days: they are forgotten, and made again when a date needs one.

create table features.customer_recent (
    slot smallint not null,
    customer_id text collate "C" not null,
    orders_30d integer not null,
    orders_90d integer not null,
    spend_cents_30d bigint not null,
    spend_cents_90d bigint not null,
    gross_cents_90d bigint not null,
    gross_cents_90d_before bigint not null,
    sessions_90d integer not null,
    primary key (slot, customer_id)
) partition by list (slot);
create table features.customer_recent_1 partition of features.customer_recent for values in (1);
create table features.customer_recent_2 partition of features.customer_recent for values in (2);
create table features.customer_recent_3 partition of features.customer_recent for values in (3);
create table features.customer_recent_4 partition of features.customer_recent for values in (4);
comment on table features.customer_recent is
'what a customer did in the 180 days before the date of the slot (features.anchors), cancellations not taken '
'off; a night moves the slot to its date by those customers whose windows have changed';
comment on column features.customer_recent.slot is
'the slot: features.anchors says of which date it is';
comment on column features.customer_recent.customer_id is 'the id of the customer in the shop';
comment on column features.customer_recent.orders_30d is 'orders of the last 30 days';
comment on column features.customer_recent.orders_90d is 'orders of the last 90 days';
comment on column features.customer_recent.spend_cents_30d is 'net spend of the last 30 days, in cents';
comment on column features.customer_recent.spend_cents_90d is 'net spend of the last 90 days, in cents';
comment on column features.customer_recent.gross_cents_90d is 'gross amount of the last 90 days, in cents';
comment on column features.customer_recent.gross_cents_90d_before is
'gross amount of the 90 days before these, in cents';
comment on column features.customer_recent.sessions_90d is 'sessions of the last 90 days';

delete from features.anchors where kind = 'mix';
comment on table features.anchors is
'the dates at which customer_cumulative (kind month), and customer_mix and customer_recent (kind mix) stand, '
'and are right';
comment on column features.anchors.kind is
'month: customer_cumulative; mix: customer_mix and customer_recent';
comment on column features.anchors.slot is 'the slot of customer_mix and customer_recent; 0 for a month';
