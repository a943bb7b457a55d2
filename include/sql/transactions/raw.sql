-- Purpose: the table that a file of transactions is copied into, before it is known how it is written.
-- Grain: line of the file, with the number of the line it begins on (of the row, in a typed file).
-- Re-run: made anew with each file.
create schema if not exists transactions;
drop table if exists transactions.raw, transactions.parsed, transactions.lines;
create table transactions.raw (
    line bigint not null,
    problem text,
    customer_id text,
    ordered_at text,
    amount text,
    order_id text,
    product_id text,
    category text,
    quantity text,
    unit_price text,
    discount text,
    currency text
);
