-- Purpose: what the segment gate asks of a staged assignment.
-- Grain: one row, a column a metric.
-- Inputs: the staged table (customer_id, cluster, confidence, is_outlier), features.customer_features of the
--     date.
-- Parameters: as_of_date; identifier: staged.
-- Re-run: reads only.
with staged as (
    select
        customer_id,
        count(*) as copies,
        count(*) - count(cluster) as without_cluster,
        count(*) - count(*) filter (where confidence between 0 and 1) as with_odd_confidence,
        count(*) - count(is_outlier) as without_outlier
    from {{ staged }}
    group by customer_id
),

eligible as (
    select
        customer_id,
        round(monetary * 100)::bigint as cents
    from features.customer_features
    where as_of_date = %(as_of_date)s
),

compared as (
    select
        count(e.customer_id) as eligible_customers,
        count(*) filter (where s.copies is null) as customers_missing,
        coalesce(sum(s.copies) filter (where e.customer_id is null), 0) as rows_of_nobody,
        coalesce(sum(s.copies - 1), 0) as rows_duplicated,
        coalesce(sum(s.without_cluster), 0) as rows_without_cluster,
        coalesce(sum(s.with_odd_confidence), 0) as rows_with_odd_confidence,
        coalesce(sum(s.without_outlier), 0) as rows_without_outlier,
        coalesce(sum(s.copies), 0) as row_count,
        abs(coalesce(sum(e.cents), 0) - coalesce(sum(e.cents * s.copies), 0)) as cents_off
    from staged as s
    full join eligible as e on s.customer_id = e.customer_id
),

clusters as (
    select count(*) as customers
    from {{ staged }}
    where cluster is not null
    group by cluster
),

sizes as (
    select
        count(*) as clusters,
        min(customers) as smallest_customers,
        max(customers) as largest_customers,
        min(customers) / sum(customers) as smallest_share,
        max(customers) / sum(customers) as largest_share
    from clusters
)

select
    c.*,
    s.*
from compared as c
cross join sizes as s
