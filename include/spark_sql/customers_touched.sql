-- Written by scripts/spark_sql.py from include/sql/core/customers.sql: do not edit.
SELECT
  NULLIF(TRIM(customer_id), '') AS customer_id
FROM staging_customers
WHERE
  day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
  AND day < CAST(:end AS DATE)
UNION
SELECT
  customer_id
FROM core_customers
WHERE
  valid_from >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
  AND valid_from < CAST(:end AS DATE)
