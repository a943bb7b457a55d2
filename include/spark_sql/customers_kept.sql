-- Written by scripts/spark_sql.py from include/sql/core/customers.sql: do not edit.
SELECT
  customer_id AS customer_id,
  day AS valid_from,
  LEAD(day, 1, CAST(CAST('9999-12-31' AS DATE) AS DATE)) OVER (PARTITION BY customer_id ORDER BY day NULLS LAST) AS valid_to,
  signed_up_on AS signed_up_on,
  birth_year AS birth_year,
  gender AS gender,
  country AS country,
  region AS region,
  city AS city,
  email_sha256 AS email_sha256,
  consent AS consent
FROM judged
WHERE
  rule IS NULL AND NOT is_merged
