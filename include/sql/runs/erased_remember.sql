-- Purpose: keep of a customer who is erased a keyed hash, and take the customer's hash out of the sketches.
-- Grain: customer. Parameters: customer_id, stand_in. Re-run: the erasure is under way again.
with keyed as (
    select privacy.keyed(%(customer_id)s, inner_pad, outer_pad) as key
    from privacy.secret
),

kept as (
    insert into privacy.erased (key, stand_in)
    select
        key,
        %(stand_in)s
    from keyed
    on conflict (key) do update
        set
            erased_at = clock_timestamp(),
            is_settled = false,
            stand_in = case when erased.is_settled then excluded.stand_in else erased.stand_in end
    returning stand_in, key
),

known as (
    select
        stand_in,
        ('x' || left(encode(key, 'hex'), 16))::bit(64)::bigint as hash
    from kept
),

less as (
    update privacy.sketches as s
    set sketch = array_remove(s.sketch, k.hash)
    from known as k
    where k.hash = any(s.sketch)
)

select stand_in
from known
