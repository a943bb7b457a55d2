-- Written by scripts/spark_sql.py from include/sql/features/from_facts.sql: do not edit.
WITH placed_orders AS (
  SELECT
    *
  FROM core_orders
  WHERE
    day < CAST(:as_of_date AS DATE) AND TRUE
), placed AS (
  SELECT
    o.customer_id,
    o.order_id,
    o.day,
    o.local_hour,
    o.cancelled_on < CAST(:as_of_date AS DATE) AS is_cancelled,
    COUNT(*) FILTER(WHERE
      i.quantity > 0 AND i.unit_price > 0) AS lines,
    COUNT(*) FILTER(WHERE
      i.quantity > 0 AND i.unit_price > 0 AND i.discount > 0) AS discounted_lines,
    SUM(i.quantity) FILTER(WHERE
      i.quantity > 0 AND NOT i.is_service) AS units,
    SUM(ROUND(i.quantity * i.unit_price * 100)) FILTER(WHERE
      i.quantity > 0) AS gross_cents,
    SUM(ROUND(i.quantity * i.unit_price * 100) - i.amount_cents) FILTER(WHERE
      i.quantity > 0) AS discount_cents,
    -SUM(i.amount_cents) FILTER(WHERE
      i.quantity < 0) AS returned_cents
  FROM placed_orders AS o
  INNER JOIN core_order_items AS i
    ON o.order_id = i.order_id
  GROUP BY
    o.customer_id,
    o.order_id,
    o.day,
    o.local_hour,
    o.cancelled_on
), ordering AS (
  SELECT
    customer_id,
    day,
    COUNT(*) FILTER(WHERE
      lines > 0 AND is_cancelled) AS cancelled_orders,
    COUNT(*) FILTER(WHERE
      lines > 0 AND NOT is_cancelled IS TRUE) AS orders,
    COUNT(*) FILTER(WHERE
      lines > 0 AND NOT is_cancelled IS TRUE AND EXTRACT(DAYOFWEEK_ISO FROM day) >= 6) AS weekend_orders,
    COUNT(*) FILTER(WHERE
      lines > 0 AND NOT is_cancelled IS TRUE AND local_hour BETWEEN 5 AND 11) AS morning_orders,
    COUNT(*) FILTER(WHERE
      lines > 0 AND NOT is_cancelled IS TRUE AND local_hour BETWEEN 17 AND 21) AS evening_orders,
    COUNT(*) FILTER(WHERE
      lines > 0
      AND NOT is_cancelled IS TRUE
      AND (
        local_hour >= 22 OR local_hour < 5
      )) AS night_orders,
    COALESCE(SUM(lines) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS lines,
    COALESCE(SUM(discounted_lines) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS discounted_lines,
    COALESCE(SUM(units) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS units,
    COALESCE(SUM(gross_cents) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS gross_cents,
    COALESCE(SUM(discount_cents) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS discount_cents,
    COALESCE(SUM(returned_cents) FILTER(WHERE
      NOT is_cancelled IS TRUE), 0) AS returned_cents
  FROM placed
  GROUP BY
    customer_id,
    day
), browsed_browsing AS (
  SELECT
    customer_id,
    day,
    COUNT(DISTINCT session_id) AS sessions,
    COUNT(*) FILTER(WHERE
      event_type = 'view') AS views,
    COUNT(*) FILTER(WHERE
      event_type = 'cart') AS carts,
    COALESCE(SUM(duration_seconds), 0) AS dwell_seconds
  FROM core_events
  WHERE
    TRUE
  GROUP BY
    customer_id,
    day
), browsed_reviewing AS (
  SELECT
    customer_id,
    day,
    COUNT(*) AS reviews,
    COUNT(rating) AS rated_reviews,
    COALESCE(SUM(rating), 0) AS rating_sum,
    COUNT(*) FILTER(WHERE
      rating <= 2) AS poor_reviews,
    SUM(body_chars) AS review_chars
  FROM core_reviews
  WHERE
    TRUE
  GROUP BY
    customer_id,
    day
), browsing AS (
  SELECT
    file.*
  FROM (
    SELECT
      customer_id,
      day,
      b.sessions,
      b.views,
      b.carts,
      b.dwell_seconds,
      r.reviews,
      r.rated_reviews,
      r.rating_sum,
      r.poor_reviews,
      r.review_chars
    FROM browsed_browsing AS b
    FULL JOIN browsed_reviewing AS r
      USING (customer_id, day)
  ) AS file
  WHERE
    file.day < CAST(:as_of_date AS DATE)
), days AS (
  SELECT
    customer_id,
    day,
    DATEDIFF(CAST(:as_of_date AS DATE), day) AS age_days,
    DATE_TRUNC('MONTH', day) AS month,
    COALESCE(o.cancelled_orders, 0) AS cancelled_orders,
    COALESCE(o.orders, 0) AS orders,
    COALESCE(o.weekend_orders, 0) AS weekend_orders,
    COALESCE(o.morning_orders, 0) AS morning_orders,
    COALESCE(o.evening_orders, 0) AS evening_orders,
    COALESCE(o.night_orders, 0) AS night_orders,
    COALESCE(o.lines, 0) AS lines,
    COALESCE(o.discounted_lines, 0) AS discounted_lines,
    COALESCE(o.units, 0) AS units,
    COALESCE(o.gross_cents, 0) AS gross_cents,
    COALESCE(o.discount_cents, 0) AS discount_cents,
    COALESCE(o.returned_cents, 0) AS returned_cents,
    COALESCE(b.sessions, 0) AS sessions,
    COALESCE(b.views, 0) AS views,
    COALESCE(b.carts, 0) AS carts,
    COALESCE(b.dwell_seconds, 0) AS dwell_seconds,
    COALESCE(b.reviews, 0) AS reviews,
    COALESCE(b.rated_reviews, 0) AS rated_reviews,
    COALESCE(b.rating_sum, 0) AS rating_sum,
    COALESCE(b.poor_reviews, 0) AS poor_reviews,
    COALESCE(b.review_chars, 0) AS review_chars
  FROM ordering AS o
  FULL JOIN browsing AS b
    USING (customer_id, day)
), totals AS (
  SELECT
    customer_id,
    MAX(day) FILTER(WHERE
      orders > 0) AS last_order_day,
    MIN(day) FILTER(WHERE
      orders > 0) AS first_order_day,
    COUNT(*) FILTER(WHERE
      orders > 0) AS order_days,
    COUNT(DISTINCT month) FILTER(WHERE
      orders > 0) AS active_months,
    SUM(orders) AS orders,
    SUM(cancelled_orders) AS cancelled_orders,
    SUM(lines) AS lines,
    SUM(discounted_lines) AS discounted_lines,
    SUM(units) AS units,
    SUM(gross_cents) AS gross_cents,
    SUM(discount_cents) AS discount_cents,
    SUM(returned_cents) AS returned_cents,
    SUM(weekend_orders) AS weekend_orders,
    SUM(morning_orders) AS morning_orders,
    SUM(evening_orders) AS evening_orders,
    SUM(night_orders) AS night_orders,
    SUM(orders) FILTER(WHERE
      age_days <= 30) AS orders_30d,
    SUM(orders) FILTER(WHERE
      age_days <= 90) AS orders_90d,
    SUM(orders) FILTER(WHERE
      age_days <= 365) AS orders_365d,
    SUM(gross_cents - discount_cents - returned_cents) FILTER(WHERE
      age_days <= 30) AS spend_cents_30d,
    SUM(gross_cents - discount_cents - returned_cents) FILTER(WHERE
      age_days <= 90) AS spend_cents_90d,
    SUM(gross_cents - discount_cents - returned_cents) FILTER(WHERE
      age_days <= 365) AS spend_cents_365d,
    SUM(gross_cents) FILTER(WHERE
      age_days <= 90) AS gross_cents_90d,
    SUM(gross_cents) FILTER(WHERE
      age_days > 90 AND age_days <= 180) AS gross_cents_90d_before,
    MAX(day) FILTER(WHERE
      sessions > 0) AS last_visit_day,
    SUM(sessions) AS sessions,
    SUM(views) AS views,
    SUM(carts) AS carts,
    SUM(dwell_seconds) AS dwell_seconds,
    SUM(sessions) FILTER(WHERE
      age_days <= 90) AS sessions_90d,
    SUM(sessions) FILTER(WHERE
      age_days <= 365) AS sessions_365d,
    SUM(views) FILTER(WHERE
      age_days <= 365) AS views_365d,
    SUM(carts) FILTER(WHERE
      age_days <= 365) AS carts_365d,
    SUM(dwell_seconds) FILTER(WHERE
      age_days <= 365) AS dwell_seconds_365d,
    SUM(reviews) AS reviews,
    SUM(reviews) FILTER(WHERE
      age_days <= 365) AS reviews_365d,
    SUM(rated_reviews) AS rated_reviews,
    SUM(rating_sum) AS rating_sum,
    SUM(poor_reviews) AS poor_reviews,
    SUM(review_chars) AS review_chars
  FROM days
  GROUP BY
    customer_id
  HAVING
    SUM(orders) > 0
), gaps AS (
  SELECT
    customer_id,
    SUM(gap * gap) AS gap_squares
  FROM (
    SELECT
      customer_id,
      DATEDIFF(day, LAG(day) OVER (PARTITION BY customer_id ORDER BY day NULLS LAST)) AS gap
    FROM days
    WHERE
      orders > 0
  ) AS order_gaps
  GROUP BY
    customer_id
), diversity AS (
  SELECT
    o.customer_id,
    i.category,
    i.product_id,
    COUNT(*) AS lines
  FROM placed_orders AS o
  INNER JOIN core_order_items AS i
    ON o.order_id = i.order_id
  WHERE
    o.day >= CAST(:as_of_date AS DATE) - 365
    AND i.quantity > 0
    AND i.unit_price > 0
    AND NOT i.is_service
    AND (
      o.cancelled_on IS NULL OR o.cancelled_on >= CAST(:as_of_date AS DATE)
    )
  GROUP BY
    o.customer_id,
    i.category,
    i.product_id
), products AS (
  SELECT
    customer_id,
    COUNT(DISTINCT product_id) AS products,
    SUM(lines) AS lines
  FROM diversity
  GROUP BY
    customer_id
), categories AS (
  SELECT
    customer_id,
    COUNT(*) AS categories,
    ROUND(
      CAST((
        LN(SUM(lines)) - SUM(lines * LN(lines)) / SUM(lines)
      ) AS DECIMAL(38, 15)),
      9
    ) AS entropy
  FROM (
    SELECT
      customer_id,
      category,
      SUM(lines) AS lines
    FROM diversity
    WHERE
      category IS NOT NULL
    GROUP BY
      customer_id,
      category
  ) AS by_category
  GROUP BY
    customer_id
), attributes AS (
  SELECT
    customer_id,
    birth_year,
    gender,
    country
  FROM core_customers
  WHERE
    valid_from < CAST(:as_of_date AS DATE)
    AND valid_to >= CAST(:as_of_date AS DATE)
    AND TRUE
), sums AS (
  SELECT
    t.customer_id,
    t.orders,
    t.cancelled_orders,
    t.weekend_orders,
    t.morning_orders,
    t.evening_orders,
    t.night_orders,
    t.lines,
    t.discounted_lines,
    t.units,
    t.gross_cents,
    t.discount_cents,
    t.returned_cents,
    t.order_days,
    t.active_months,
    COALESCE(g.gap_squares, 0) AS gap_squares,
    DATEDIFF(CAST(:as_of_date AS DATE), t.first_order_day) AS days_since_first_order,
    DATEDIFF(CAST(:as_of_date AS DATE), t.last_order_day) AS days_since_last_order,
    1 + 12 * (
      EXTRACT(YEAR FROM CAST(:as_of_date AS DATE) - 1) - EXTRACT(YEAR FROM t.first_order_day)
    ) + EXTRACT(MONTH FROM CAST(:as_of_date AS DATE) - 1) - EXTRACT(MONTH FROM t.first_order_day) AS months_since_first_order,
    COALESCE(t.orders_30d, 0) AS orders_30d,
    COALESCE(t.orders_90d, 0) AS orders_90d,
    COALESCE(t.orders_365d, 0) AS orders_365d,
    COALESCE(t.spend_cents_30d, 0) AS spend_cents_30d,
    COALESCE(t.spend_cents_90d, 0) AS spend_cents_90d,
    COALESCE(t.spend_cents_365d, 0) AS spend_cents_365d,
    COALESCE(t.gross_cents_90d, 0) AS gross_cents_90d,
    COALESCE(t.gross_cents_90d_before, 0) AS gross_cents_90d_before,
    COALESCE(p.products, 0) AS products_365d,
    COALESCE(p.lines, 0) AS product_lines_365d,
    COALESCE(c.categories, 0) AS categories_365d,
    COALESCE(c.entropy, 0) AS category_entropy_365d,
    t.sessions,
    t.views,
    t.carts,
    t.dwell_seconds,
    DATEDIFF(CAST(:as_of_date AS DATE), t.last_visit_day) AS days_since_last_visit,
    COALESCE(t.sessions_90d, 0) AS sessions_90d,
    COALESCE(t.sessions_365d, 0) AS sessions_365d,
    COALESCE(t.views_365d, 0) AS views_365d,
    COALESCE(t.carts_365d, 0) AS carts_365d,
    COALESCE(t.dwell_seconds_365d, 0) AS dwell_seconds_365d,
    t.reviews,
    t.rated_reviews,
    t.poor_reviews,
    t.rating_sum,
    t.review_chars,
    COALESCE(t.reviews_365d, 0) AS reviews_365d,
    EXTRACT(YEAR FROM CAST(:as_of_date AS DATE)) AS as_of_year,
    a.birth_year,
    a.gender,
    a.country
  FROM totals AS t
  LEFT JOIN gaps AS g
    ON t.customer_id = g.customer_id
  LEFT JOIN products AS p
    ON t.customer_id = p.customer_id
  LEFT JOIN categories AS c
    ON t.customer_id = c.customer_id
  LEFT JOIN attributes AS a
    ON t.customer_id = a.customer_id
)
SELECT
  CAST(:as_of_date AS DATE) AS as_of_date,
  customer_id,
  {{ columns }}
FROM sums
