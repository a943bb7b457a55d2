-- Purpose: nothing is null in the columns of the roll-up and of the month starts that most rows have nothing of, and
-- one line of a product is null: a null takes no room. Month starts of before keep their zeros, which count as well.
-- Grain: customer and day; product. Part of the migration of the same number.

alter table features.customer_day
alter column weekend_orders drop not null,
alter column weekend_orders drop default,
alter column morning_orders drop not null,
alter column morning_orders drop default,
alter column afternoon_orders drop not null,
alter column afternoon_orders drop default,
alter column evening_orders drop not null,
alter column evening_orders drop default,
alter column night_orders drop not null,
alter column night_orders drop default,
alter column lines drop not null,
alter column lines drop default,
alter column discounted_lines drop not null,
alter column discounted_lines drop default,
alter column units drop not null,
alter column units drop default,
alter column return_lines drop not null,
alter column return_lines drop default,
alter column views drop not null,
alter column views drop default,
alter column carts drop not null,
alter column carts drop default,
alter column searches drop not null,
alter column searches drop default,
alter column dwell_seconds drop not null,
alter column dwell_seconds drop default,
alter column reviews drop not null,
alter column reviews drop default,
alter column rated_reviews drop not null,
alter column rated_reviews drop default,
alter column rating_sum drop not null,
alter column rating_sum drop default,
alter column poor_reviews drop not null,
alter column poor_reviews drop default,
alter column review_chars drop not null,
alter column review_chars drop default,
alter column discount_cents drop not null,
alter column discount_cents drop default,
alter column returned_cents drop not null,
alter column returned_cents drop default;
alter table features.customer_cumulative
alter column cancelled_orders drop not null,
alter column weekend_orders drop not null,
alter column morning_orders drop not null,
alter column evening_orders drop not null,
alter column night_orders drop not null,
alter column discounted_lines drop not null,
alter column gap_squares drop not null,
alter column discount_cents drop not null,
alter column returned_cents drop not null,
alter column views drop not null,
alter column carts drop not null,
alter column reviews drop not null,
alter column rated_reviews drop not null,
alter column poor_reviews drop not null,
alter column review_chars drop not null,
alter column units drop not null,
alter column dwell_seconds drop not null,
alter column rating_sum drop not null;
alter table features.customer_product_day
alter column lines drop not null;
comment on column features.customer_product_day.lines is
'order lines with quantity > 0 and unit_price > 0; null: one';
comment on table features.customer_day is
'additive roll-up, a partition a month; orders that were cancelled later are in it, and taken off by '
'customer_day_cancelled. Null: nothing of it';
comment on table features.customer_cumulative is
'totals of all days before the start of a month, cancellations known by then taken off; a partition a month. Null: '
'nothing of it';

do $$
declare
    days text;
    month record;
begin
    select string_agg(
        case when a.attnotnull then a.attname else 'nullif(' || a.attname || ', 0) as ' || a.attname end,
        ', ' order by a.attnum
    )
    into days
    from pg_attribute as a
    where a.attrelid = 'features.customer_day'::regclass and a.attnum > 0 and not a.attisdropped;
    for month in
        select
            i.inhrelid::regclass as name,
            case
                when i.inhparent = 'features.customer_day'::regclass then days
                else 'customer_id, day, product_id, category, cancelled_on, nullif(lines, 1) as lines'
            end as listed
        from pg_inherits as i
        where i.inhparent in ('features.customer_day'::regclass, 'features.customer_product_day'::regclass)
        order by i.inhrelid
    loop
        execute 'create temp table aside as select ' || month.listed || ' from ' || month.name;
        execute 'truncate ' || month.name;
        execute 'insert into ' || month.name || ' select * from aside order by customer_id, day';
        drop table aside;
    end loop;
end
$$;
