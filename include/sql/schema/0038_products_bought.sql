-- Purpose: let what a customer bought in a year be carried from night to night: the products themselves beside
-- how many they are. Windows are made anew by the dates that need them. Part of the migration of the same number.

alter table features.customer_diversity add column product_ids text[] collate "C";
comment on column features.customer_diversity.product_ids is
'the different products, in no order: what each segment buys is counted from them';
truncate features.customer_diversity, features.customer_recent;
delete from features.checkpoints
where kind = 'window';
