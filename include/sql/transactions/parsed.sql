-- Purpose: the table that the lines of a file of transactions are copied into, as values.
-- Grain: line of the file, with the number of the line it begins on (of the row, in a typed file).
-- Columns: instant is when the line was (null where it has no date that can be read), is_out whether its
--     order came
--     to nothing, reduction money or, where discounts are shares, a share of one.
-- Re-run: made anew with each file.
create schema if not exists transactions;
drop table if exists transactions.raw, transactions.parsed, transactions.lines;
create table transactions.parsed (
    line bigint not null,
    is_unreadable boolean not null,
    instant timestamptz,
    customer_id text,
    order_number text,
    product_id text,
    product_name text,
    category text,
    pieces numeric,
    paid numeric,
    price numeric,
    reduction numeric,
    currency text,
    is_out boolean not null default false,
    cancelled_at timestamptz
);
