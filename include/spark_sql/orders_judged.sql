-- Written by scripts/spark_sql.py from include/sql/core/orders.sql: do not edit.
WITH judging_typed AS (
  SELECT
    day,
    NULLIF(TRIM(order_id), '') AS order_id,
    NULLIF(TRIM(customer_id), '') AS customer_id,
    ordered_at,
    FROM_UTC_TIMESTAMP(ordered_at, :timezone) AS local_at,
    LOWER(TRIM(status)) AS status,
    cancelled_at,
    channel,
    currency,
    updated_at,
    GREATEST(
      OCTET_LENGTH(order_id),
      OCTET_LENGTH(customer_id),
      OCTET_LENGTH(status),
      OCTET_LENGTH(channel),
      OCTET_LENGTH(currency)
    ) > :max_text_bytes AS is_too_long,
    STRUCT(s.*) AS raw
  FROM staging_orders AS s
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), judged AS (
  SELECT
    day,
    order_id,
    customer_id,
    ordered_at,
    status,
    CASE
      WHEN cancelled_at IS NOT NULL OR status IN ('cancelled', 'canceled')
      THEN GREATEST(
        CAST((
          FROM_UTC_TIMESTAMP(COALESCE(cancelled_at, updated_at, ordered_at), :timezone)
        ) AS DATE),
        day
      )
    END AS cancelled_on,
    NULLIF(LOWER(TRIM(channel)), '') AS channel,
    NULLIF(UPPER(TRIM(currency)), '') AS currency,
    updated_at,
    CAST(EXTRACT(HOUR FROM local_at) AS SMALLINT) AS local_hour,
    CASE
      WHEN is_too_long
      THEN 'text_too_long'
      WHEN order_id IS NULL
      THEN 'order_id_missing'
      WHEN customer_id IS NULL
      THEN 'customer_missing'
      WHEN ordered_at IS NULL
      THEN 'ordered_at_missing'
      WHEN CAST(local_at AS DATE) > day
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'orders'
          AND r.rule = 'ordered_at_in_future'
          AND r.day_from <= day
          AND r.day_to > day
      )
      THEN 'ordered_at_in_future'
    END AS rule,
    raw
  FROM judging_typed
), own AS (
  SELECT
    *
  FROM core_orders
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), copied AS (
  SELECT
    order_id
  FROM judged
  WHERE
    rule IS NULL
  GROUP BY
    order_id
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
        c.order_id = j.order_id
    )
  UNION ALL
  SELECT
    j.*,
    ROW_NUMBER() OVER (
      PARTITION BY j.order_id
      ORDER BY updated_at DESC, ordered_at NULLS LAST, customer_id NULLS LAST, status NULLS LAST, cancelled_on NULLS LAST, channel NULLS LAST, currency NULLS LAST
    ) AS copy
  FROM judged AS j
  WHERE
    j.rule IS NULL
    AND EXISTS(
      SELECT
        1
      FROM copied AS c
      WHERE
        c.order_id = j.order_id
    )
)
SELECT
  n.day,
  n.order_id,
  n.customer_id,
  n.ordered_at,
  n.local_hour,
  n.status,
  n.cancelled_on,
  n.channel,
  n.currency,
  n.rule,
  CASE WHEN n.rule IS NOT NULL THEN n.raw END AS raw,
  n.rule IS NULL AND (
    n.copy > 1 OR known.is_known IS NOT NULL
  ) AS is_merged,
  n.rule IS NULL
  AND n.copy = 1
  AND own.order_id IS NOT NULL
  AND NOT (
    (
      n.day,
      n.customer_id,
      n.ordered_at,
      n.local_hour,
      n.status,
      n.cancelled_on,
      n.channel,
      n.currency
    ) IS DISTINCT FROM (
      own.day,
      own.customer_id,
      own.ordered_at,
      own.local_hour,
      own.status,
      own.cancelled_on,
      own.channel,
      own.currency
    )
  ) AS is_there
FROM numbered AS n
LEFT JOIN own
  ON n.order_id = own.order_id
LEFT JOIN LATERAL (
  SELECT
    TRUE AS is_known
  FROM core_orders AS o
  WHERE
    own.order_id IS NULL AND o.order_id = n.order_id
  ORDER BY
    o.order_id NULLS LAST
  LIMIT 1
) AS known
  ON TRUE
