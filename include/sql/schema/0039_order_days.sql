-- Purpose: no second list of the days with an order: customer_day has them, and core.orders by customer.
-- Grain: none. Part of the migration of the same number.

drop table features.customer_order_day;
