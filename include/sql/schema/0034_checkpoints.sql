-- Purpose: what is carried from night to night, by the names that the code has for it: checkpoints, diversity.
-- Grain: see the comments. Part of the migration of the same number.

alter table features.customer_mix rename to customer_diversity;
alter table features.customer_mix_1 rename to customer_diversity_1;
alter table features.customer_mix_2 rename to customer_diversity_2;
alter table features.customer_mix_3 rename to customer_diversity_3;
alter table features.customer_mix_4 rename to customer_diversity_4;
comment on table features.customer_diversity is
'what a customer bought in the 365 days before the date of the slot (features.checkpoints); a night moves the '
'slot to its date by those customers whose year has changed';
comment on column features.customer_diversity.slot is 'the slot: features.checkpoints says of which date it is';
comment on table features.customer_recent is
'what a customer did in the 180 days before the date of the slot (features.checkpoints), cancellations not taken '
'off; a night moves the slot to its date by those customers whose windows have changed';
comment on column features.customer_recent.slot is
'the slot: features.checkpoints says of which date it is';

alter table features.anchors rename to checkpoints;
alter table features.checkpoints drop constraint anchors_kind_check;
alter table features.checkpoints drop constraint anchors_check;
drop index features.anchors_as_of_date_idx;
drop index features.anchors_slot_idx;
update features.checkpoints set kind = 'window'
where kind = 'mix';
alter table features.checkpoints add constraint checkpoints_kind_check check (kind in ('month', 'window'));
alter table features.checkpoints add constraint checkpoints_slot_check check ((kind = 'window') = (slot > 0));
create unique index checkpoints_month on features.checkpoints (as_of_date) where kind = 'month';
create unique index checkpoints_slot on features.checkpoints (slot) where kind = 'window';
comment on table features.checkpoints is
'the dates at which customer_cumulative (kind month), and customer_diversity and customer_recent (kind window) '
'stand, and are right';
comment on column features.checkpoints.kind is
'month: customer_cumulative; window: customer_diversity and customer_recent';
comment on column features.checkpoints.slot is
'the slot of customer_diversity and customer_recent; 0 for a month';
comment on column features.checkpoints.used_at is 'when it was last made or moved; the oldest window gives way';
