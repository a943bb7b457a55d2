-- Purpose: what was true of a customer on the date of a move and on the date before it, beside the rules of
--     the segment that was entered.
-- Grain: move, the newest first. Inputs: segments.segment_rules, segments.runs, features.customer_features.
-- Parameters: customer_id, moved_on, moved_from (dates), segment_ids: arrays of the same length. Read only.
-- Caveat: features of old dates are not kept (retention.features_days): null then.
with moves as (
    select
        a.moved_on,
        a.moved_from,
        a.segment_id
    from
        unnest(%(moved_on)s::date[], %(moved_from)s::date[], %(segment_ids)s::integer[])
            as a (moved_on, moved_from, segment_id)
),

rules as (
    select
        s.as_of_date,
        s.segment_id,
        jsonb_agg(s.bounds order by s.rule_number) as rules
    from segments.segment_rules as s
    where s.as_of_date = any(%(moved_on)s::date[]) and s.bounds is not null
    group by s.as_of_date, s.segment_id
),

known as (
    select
        f.as_of_date,
        to_jsonb(f) as found
    from features.customer_features as f
    where
        f.customer_id = %(customer_id)s
        and (f.as_of_date = any(%(moved_on)s::date[]) or f.as_of_date = any(%(moved_from)s::date[]))
)

select
    m.moved_on,
    m.segment_id,
    r.decision,
    b.found as before,
    a.found as after,
    coalesce(g.rules, '[]') as rules
from moves as m
left join segments.runs as r on m.moved_on = r.as_of_date and r.status = 'published'
left join rules as g on m.moved_on = g.as_of_date and m.segment_id = g.segment_id
left join known as b on m.moved_from = b.as_of_date
left join known as a on m.moved_on = a.as_of_date
order by m.moved_on desc
