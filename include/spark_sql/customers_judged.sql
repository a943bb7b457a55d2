-- Written by scripts/spark_sql.py from include/sql/core/customers.sql: do not edit.
WITH known AS (
  SELECT
    s.day,
    NULLIF(TRIM(s.customer_id), '') AS customer_id,
    CASE
      WHEN CAST((
        FROM_UTC_TIMESTAMP(s.signed_up_at, :timezone)
      ) AS DATE) <= s.day
      THEN CAST((
        FROM_UTC_TIMESTAMP(s.signed_up_at, :timezone)
      ) AS DATE)
    END AS signed_up_on,
    CASE
      WHEN s.birth_year BETWEEN :min_birth_year AND EXTRACT(YEAR FROM s.day)
      THEN s.birth_year
    END AS birth_year,
    NULLIF(LOWER(TRIM(s.gender)), '') AS gender,
    NULLIF(TRIM(s.country), '') AS country,
    NULLIF(TRIM(s.region), '') AS region,
    NULLIF(TRIM(s.city), '') AS city,
    NULLIF(TRIM(s.email_sha256), '') AS email_sha256,
    s.consent,
    s.updated_at,
    CASE
      WHEN GREATEST(
        OCTET_LENGTH(s.customer_id),
        OCTET_LENGTH(s.gender),
        OCTET_LENGTH(s.country),
        OCTET_LENGTH(s.region),
        OCTET_LENGTH(s.city),
        OCTET_LENGTH(s.email_sha256)
      ) > :max_text_bytes
      THEN 'text_too_long'
      WHEN NULLIF(TRIM(s.customer_id), '') IS NULL
      THEN 'customer_id_missing'
    END AS rule,
    STRUCT(s.*) AS raw
  FROM staging_customers AS s
  WHERE
    (
      s.day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
      AND s.day < CAST(:end AS DATE)
    )
    OR TRIM(s.customer_id) IN (
      SELECT
        t.customer_id
      FROM touched AS t
    )
), numbered AS (
  SELECT
    k.*,
    ROW_NUMBER() OVER (
      PARTITION BY k.rule IS NULL, k.customer_id, k.day
      ORDER BY k.updated_at DESC, k.email_sha256 NULLS LAST, k.country NULLS LAST, k.region NULLS LAST, k.city NULLS LAST, k.gender NULLS LAST, k.birth_year NULLS LAST, k.consent NULLS LAST, k.signed_up_on NULLS LAST
    ) AS copy
  FROM known AS k
), compared AS (
  SELECT
    n.*,
    LAG(n.attributes) OVER (PARTITION BY n.rule IS NULL, n.customer_id, n.copy = 1 ORDER BY n.day NULLS LAST) AS attributes_before
  FROM (
    SELECT
      numbered.*,
      STRUCT(signed_up_on, birth_year, gender, country, region, city, email_sha256, consent) AS attributes
    FROM numbered
  ) AS n
)
SELECT
  c.*,
  c.rule IS NULL
  AND (
    c.copy > 1 OR c.attributes IS NOT DISTINCT FROM c.attributes_before
  ) AS is_merged
FROM compared AS c
