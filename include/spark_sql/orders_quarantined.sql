-- Written by scripts/spark_sql.py from include/sql/core/orders.sql: do not edit.
SELECT
  raw.*,
  rule,
  :run_id AS run_id
FROM judged
WHERE
  rule IS NOT NULL
