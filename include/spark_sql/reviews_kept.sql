-- Written by scripts/spark_sql.py from include/sql/core/reviews.sql: do not edit.
SELECT
  review_id AS review_id,
  customer_id AS customer_id,
  product_id AS product_id,
  day AS day,
  reviewed_at AS reviewed_at,
  rating AS rating,
  body_chars AS body_chars
FROM judged
WHERE
  rule IS NULL AND NOT is_merged
