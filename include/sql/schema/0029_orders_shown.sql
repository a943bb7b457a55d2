-- Purpose: the page of a customer shows the newest orders with their products: the role of the pages may read
-- what it shows of them, and no more.
-- Grain: none. Re-run: once, by the migration. docs/production.md has the same statements for a superuser.
do $$
begin
    if exists (select from pg_roles where rolname = 'segments_ui') then
        grant select (order_id, customer_id, day, ordered_at, cancelled_on, channel, currency)
        on core.orders to segments_ui;
        grant select (order_id, line_no, product_id, category, quantity, amount_cents)
        on core.order_items to segments_ui;
        grant select (product_id, valid_from, valid_to, name, category) on core.products to segments_ui;
    end if;
end
$$
