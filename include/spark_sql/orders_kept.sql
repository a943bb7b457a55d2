-- Written by scripts/spark_sql.py from include/sql/core/orders.sql: do not edit.
SELECT
  order_id AS order_id,
  customer_id AS customer_id,
  day AS day,
  ordered_at AS ordered_at,
  local_hour AS local_hour,
  status AS status,
  cancelled_on AS cancelled_on,
  channel AS channel,
  currency AS currency
FROM judged
WHERE
  rule IS NULL AND NOT is_merged AND NOT is_there
