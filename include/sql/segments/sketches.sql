-- Purpose: the smallest hashes of the customers of some staged clusters, to know them again by.
-- Grain: cluster. Inputs: the staged assignment. Read only.
-- Parameters: clusters, size; identifiers: assignments.
-- Caveat: md5, because it is the same on every version of Postgres.
with hashed as (
    select
        cluster,
        ('x' || left(md5(customer_id), 16))::bit(64)::bigint as hash
    from {{ assignments }}
    where cluster = any(%(clusters)s)
),

ranked as (
    select
        cluster,
        hash,
        row_number() over (partition by cluster order by hash) as place
    from hashed
)

select
    cluster,
    array_agg(hash order by hash) as sketch
from ranked
where place <= %(size)s
group by cluster
order by cluster
