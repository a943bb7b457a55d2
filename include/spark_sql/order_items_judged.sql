-- Written by scripts/spark_sql.py from include/sql/core/order_items.sql: do not edit.
WITH judging_lines AS (
  SELECT
    day,
    NULLIF(TRIM(order_id), '') AS order_id,
    line_no,
    NULLIF(TRIM(product_id), '') AS product_id,
    NULLIF(TRIM(category), '') AS category,
    quantity,
    unit_price,
    COALESCE(discount, 0) AS discount,
    quantity * unit_price AS amount,
    GREATEST(OCTET_LENGTH(order_id), OCTET_LENGTH(product_id), OCTET_LENGTH(category)) > :max_text_bytes AS is_too_long,
    STRUCT(s.*) AS raw
  FROM staging_order_items AS s
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), judging_refused_orders AS (
  SELECT DISTINCT
    TRIM(order_id) AS order_id
  FROM quarantine_orders
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), judging_own_orders AS (
  SELECT
    order_id,
    customer_id,
    day
  FROM core_orders
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), judging_with_order AS (
  SELECT
    l.*,
    COALESCE(o.order_id, other.order_id) AS known_order_id,
    COALESCE(o.customer_id, other.customer_id) AS customer_id,
    COALESCE(o.day, other.day) AS order_day
  FROM judging_lines AS l
  LEFT JOIN judging_own_orders AS o
    ON l.order_id = o.order_id
  LEFT JOIN LATERAL (
    SELECT
      e.order_id,
      e.customer_id,
      e.day
    FROM core_orders AS e
    WHERE
      o.order_id IS NULL AND e.order_id = l.order_id
    ORDER BY
      e.order_id NULLS LAST
    LIMIT 1
  ) AS other
    ON TRUE
), judging_judged AS (
  SELECT
    l.*,
    CASE
      WHEN l.is_too_long
      THEN 'text_too_long'
      WHEN l.known_order_id IS NULL AND r.order_id IS NOT NULL
      THEN 'order_quarantined'
      WHEN l.known_order_id IS NULL
      THEN 'order_unknown'
      WHEN l.order_day <> l.day
      THEN 'order_on_another_day'
      WHEN l.line_no IS NULL
      THEN 'line_no_missing'
      WHEN l.product_id IS NULL
      THEN 'product_missing'
      WHEN l.quantity IS NULL
      THEN 'quantity_missing'
      WHEN l.quantity = 0
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'order_items'
          AND r.rule = 'quantity_zero'
          AND r.day_from <= l.day
          AND r.day_to > l.day
      )
      THEN 'quantity_zero'
      WHEN l.unit_price IS NULL
      THEN 'price_missing'
      WHEN l.unit_price < 0
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'order_items'
          AND r.rule = 'price_negative'
          AND r.day_from <= l.day
          AND r.day_to > l.day
      )
      THEN 'price_negative'
      WHEN ABS(l.amount) > :max_line_amount
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'order_items'
          AND r.rule = 'amount_absurd'
          AND r.day_from <= l.day
          AND r.day_to > l.day
      )
      THEN 'amount_absurd'
      WHEN (
        l.discount < 0 OR l.discount > ABS(l.amount)
      )
      AND NOT EXISTS(
        SELECT
          1
        FROM quarantine_releases AS r
        WHERE
          r.table_name = 'order_items'
          AND r.rule = 'discount_invalid'
          AND r.day_from <= l.day
          AND r.day_to > l.day
      )
      THEN 'discount_invalid'
    END AS rule
  FROM judging_with_order AS l
  LEFT JOIN judging_refused_orders AS r
    ON l.order_id = r.order_id
), judged AS (
  SELECT
    j.*,
    COALESCE(j.category = 'service', FALSE) AS is_service,
    CAST(CASE
      WHEN j.rule IS NULL
      THEN ROUND((
        j.amount - CAST(SIGN(j.quantity) AS DECIMAL(1, 0)) * j.discount
      ) * 100)
    END AS BIGINT) AS amount_cents
  FROM judging_judged AS j
), own AS (
  SELECT
    *
  FROM core_order_items
  WHERE
    day >= COALESCE(CAST(:first AS DATE), CAST('0001-01-01' AS DATE))
    AND day < CAST(:end AS DATE)
), copied AS (
  SELECT
    order_id,
    line_no
  FROM judged
  WHERE
    rule IS NULL
  GROUP BY
    order_id,
    line_no
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
        c.order_id = j.order_id AND c.line_no = j.line_no
    )
  UNION ALL
  SELECT
    j.*,
    ROW_NUMBER() OVER (
      PARTITION BY j.order_id, j.line_no
      ORDER BY product_id NULLS LAST, quantity NULLS LAST, unit_price NULLS LAST, discount NULLS LAST, category NULLS LAST
    ) AS copy
  FROM judged AS j
  WHERE
    j.rule IS NULL
    AND EXISTS(
      SELECT
        1
      FROM copied AS c
      WHERE
        c.order_id = j.order_id AND c.line_no = j.line_no
    )
)
SELECT
  n.day,
  n.order_id,
  n.line_no,
  n.customer_id,
  n.order_day,
  n.product_id,
  n.category,
  n.is_service,
  n.quantity,
  n.unit_price,
  n.discount,
  n.amount_cents,
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
      n.order_day,
      n.customer_id,
      n.product_id,
      n.category,
      n.is_service,
      n.quantity,
      n.unit_price,
      n.discount,
      n.amount_cents
    ) IS DISTINCT FROM (
      own.day,
      own.customer_id,
      own.product_id,
      own.category,
      own.is_service,
      own.quantity,
      own.unit_price,
      own.discount,
      own.amount_cents
    )
  ) AS is_there
FROM numbered AS n
LEFT JOIN own
  ON n.order_id = own.order_id AND n.line_no = own.line_no
LEFT JOIN LATERAL (
  SELECT
    TRUE AS is_known
  FROM core_order_items AS i
  WHERE
    own.order_id IS NULL AND i.order_id = n.order_id AND i.line_no = n.line_no
  ORDER BY
    i.order_id NULLS LAST
  LIMIT 1
) AS known
  ON TRUE
