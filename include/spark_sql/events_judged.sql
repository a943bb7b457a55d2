-- Written by scripts/spark_sql.py from include/sql/core/events.sql: do not edit.
WITH judging_typed AS (
  SELECT
    day,
    NULLIF(TRIM(event_id), '') AS event_id,
    NULLIF(TRIM(customer_id), '') AS customer_id,
    NULLIF(TRIM(session_id), '') AS session_id,
    occurred_at,
    LOWER(TRIM(event_type)) AS event_type,
    NULLIF(TRIM(product_id), '') AS product_id,
    duration_seconds,
    GREATEST(
      OCTET_LENGTH(event_id),
      OCTET_LENGTH(customer_id),
      OCTET_LENGTH(session_id),
      OCTET_LENGTH(event_type),
      OCTET_LENGTH(product_id)
    ) > :max_text_bytes AS is_too_long,
    STRUCT(s.*) AS raw
  FROM staging_events AS s
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), judged AS (
  SELECT
    day,
    event_id,
    customer_id,
    session_id,
    occurred_at,
    event_type,
    product_id,
    CASE WHEN duration_seconds BETWEEN 0 AND 86400 THEN duration_seconds END AS duration_seconds,
    CASE
      WHEN is_too_long
      THEN 'text_too_long'
      WHEN event_id IS NULL
      THEN 'event_id_missing'
      WHEN customer_id IS NULL
      THEN 'customer_missing'
      WHEN occurred_at IS NULL
      THEN 'occurred_at_missing'
      WHEN NULLIF(event_type, '') IS NULL
      THEN 'event_type_missing'
    END AS rule,
    raw
  FROM judging_typed
), own AS (
  SELECT
    *
  FROM core_events
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), copied AS (
  SELECT
    event_id
  FROM judged
  WHERE
    rule IS NULL
  GROUP BY
    event_id
  HAVING
    COUNT(*) > 1
), numbered AS (
  SELECT
    j.*,
    1 AS copy
  FROM judged AS j
  WHERE
    j.rule IS NOT NULL
    OR NOT EXISTS(
      SELECT
        1
      FROM copied AS c
      WHERE
        c.event_id = j.event_id
    )
  UNION ALL
  SELECT
    j.*,
    ROW_NUMBER() OVER (
      PARTITION BY j.event_id
      ORDER BY occurred_at NULLS LAST, customer_id NULLS LAST, session_id NULLS LAST, event_type NULLS LAST, product_id NULLS LAST, duration_seconds NULLS LAST
    ) AS copy
  FROM judged AS j
  WHERE
    j.rule IS NULL
    AND EXISTS(
      SELECT
        1
      FROM copied AS c
      WHERE
        c.event_id = j.event_id
    )
)
SELECT
  n.day,
  n.event_id,
  n.customer_id,
  n.session_id,
  n.occurred_at,
  n.event_type,
  n.product_id,
  n.duration_seconds,
  n.rule,
  CASE WHEN n.rule IS NOT NULL THEN n.raw END AS raw,
  n.rule IS NULL AND (
    n.copy > 1 OR known.is_known IS NOT NULL
  ) AS is_merged,
  n.rule IS NULL
  AND n.copy = 1
  AND own.event_id IS NOT NULL
  AND NOT (
    (
      n.day,
      n.customer_id,
      n.session_id,
      n.occurred_at,
      n.event_type,
      n.product_id,
      n.duration_seconds
    ) IS DISTINCT FROM (
      own.day,
      own.customer_id,
      own.session_id,
      own.occurred_at,
      own.event_type,
      own.product_id,
      own.duration_seconds
    )
  ) AS is_there
FROM numbered AS n
LEFT JOIN own
  ON n.event_id = own.event_id
LEFT JOIN LATERAL (
  SELECT
    TRUE AS is_known
  FROM core_events AS e
  WHERE
    own.event_id IS NULL AND e.event_id = n.event_id
  ORDER BY
    e.event_id NULLS LAST
  LIMIT 1
) AS known
  ON TRUE
