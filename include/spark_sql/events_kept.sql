-- Written by scripts/spark_sql.py from include/sql/core/events.sql: do not edit.
SELECT
  event_id AS event_id,
  customer_id AS customer_id,
  session_id AS session_id,
  day AS day,
  occurred_at AS occurred_at,
  event_type AS event_type,
  product_id AS product_id,
  duration_seconds AS duration_seconds
FROM judged
WHERE
  rule IS NULL AND NOT is_merged AND NOT is_there
