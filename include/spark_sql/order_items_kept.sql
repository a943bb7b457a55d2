-- Written by scripts/spark_sql.py from include/sql/core/order_items.sql: do not edit.
SELECT
  order_id AS order_id,
  line_no AS line_no,
  customer_id AS customer_id,
  order_day AS day,
  product_id AS product_id,
  category AS category,
  is_service AS is_service,
  quantity AS quantity,
  unit_price AS unit_price,
  discount AS discount,
  amount_cents AS amount_cents
FROM judged
WHERE
  rule IS NULL AND NOT is_merged AND NOT is_there
