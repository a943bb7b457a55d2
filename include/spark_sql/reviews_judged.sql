-- Written by scripts/spark_sql.py from include/sql/core/reviews.sql: do not edit.
WITH judged AS (
  SELECT
    day,
    NULLIF(TRIM(review_id), '') AS review_id,
    NULLIF(TRIM(customer_id), '') AS customer_id,
    NULLIF(TRIM(product_id), '') AS product_id,
    reviewed_at,
    rating,
    LENGTH(COALESCE(TRIM(body), '')) AS body_chars,
    CASE
      WHEN OCTET_LENGTH(body) > :max_body_bytes
      OR GREATEST(OCTET_LENGTH(review_id), OCTET_LENGTH(customer_id), OCTET_LENGTH(product_id)) > :max_text_bytes
      THEN 'text_too_long'
      WHEN NULLIF(TRIM(review_id), '') IS NULL
      THEN 'review_id_missing'
      WHEN NULLIF(TRIM(customer_id), '') IS NULL
      THEN 'customer_missing'
      WHEN reviewed_at IS NULL
      THEN 'reviewed_at_missing'
      WHEN NOT rating BETWEEN 1 AND 5
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'reviews'
          AND r.rule = 'rating_out_of_range'
          AND r.day_from <= day
          AND r.day_to > day
      )
      THEN 'rating_out_of_range'
    END AS rule,
    STRUCT(s.*) AS raw
  FROM staging_reviews AS s
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
)
SELECT
  j.*,
  j.rule IS NULL
  AND (
    ROW_NUMBER() OVER (
      PARTITION BY j.rule IS NULL, j.review_id
      ORDER BY j.reviewed_at NULLS LAST, j.customer_id NULLS LAST, j.product_id NULLS LAST, j.rating NULLS LAST, j.body_chars NULLS LAST
    ) > 1
    OR EXISTS(
      SELECT
        1
      FROM core_reviews AS r
      WHERE
        r.review_id = j.review_id
    )
  ) AS is_merged
FROM judged AS j
