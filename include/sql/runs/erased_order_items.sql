-- Purpose: delete the lines of a customer's orders, before the orders themselves.
-- Grain: order line. Inputs: staging.orders, quarantine.orders, core.orders.
-- Parameters: customer_id; the schema.
-- Re-run: nothing is left to delete.
delete from {{ schema }}.order_items
where
    btrim(order_id) in (
        select btrim(order_id)
        from staging.orders
        where btrim(customer_id) = %(customer_id)s
        union all
        select btrim(order_id)
        from quarantine.orders
        where btrim(customer_id) = %(customer_id)s
        union all
        select order_id
        from core.orders
        where customer_id = %(customer_id)s
    )
