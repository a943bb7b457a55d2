-- Purpose: the smallest keyed hashes of the customers of some staged clusters, to know them again by.
-- Grain: cluster. Inputs: the staged assignment, privacy.secret. Read only.
-- Parameters: clusters, size; identifiers: assignments.
-- Caveat: the same in one warehouse only, whose key it is.
with hashed as (
    select
        a.cluster,
        ('x' || left(encode(privacy.keyed(a.customer_id, k.inner_pad, k.outer_pad), 'hex'), 16))
        ::bit(64)::bigint as hash
    from {{ assignments }} as a
    cross join privacy.secret as k
    where a.cluster = any(%(clusters)s)  -- noqa: RF02
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
