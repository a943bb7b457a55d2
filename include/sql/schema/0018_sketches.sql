-- Purpose: the sketches of the segments that are there, keyed. Of a segment whose first date is kept no
-- longer there is none: run again, such a date deals its ids out in order.
-- Grain: segment. Part of the eighteenth migration.
with hashed as (
    select
        s.segment_id,
        ('x' || left(encode(privacy.keyed(cs.customer_id, k.inner_pad, k.outer_pad), 'hex'), 16))
        ::bit(64)::bigint as hash
    from segments.segments as s
    inner join segments.customer_segments as cs
        on s.segment_id = cs.segment_id and s.given_on = cs.as_of_date
    cross join privacy.secret as k
),

ranked as (
    select
        segment_id,
        hash,
        row_number() over (partition by segment_id order by hash) as place
    from hashed
)

insert into privacy.sketches (segment_id, sketch)
select
    segment_id,
    array_agg(hash order by hash)
from ranked
where place <= %(size)s
group by segment_id
