-- Purpose: what was true of a customer on the date of a move and on the date before it, beside the rules of
--     the segment that was entered.
-- Grain: move, the newest first. Inputs: segments.segment_rules, segments.runs, features.customer_features.
-- Parameters: customer_id, moved_on, moved_from (dates), segment_ids: arrays of the same length. Read only.
-- Caveat: features of old dates are not kept (retention.features_days): null then.
select
    m.moved_on,
    m.segment_id,
    r.decision,
    coalesce(g.rules, '[]') as rules,
    (
        select to_jsonb(f) from features.customer_features as f
        where f.as_of_date = m.moved_from and f.customer_id = %(customer_id)s
    ) as before,
    (
        select to_jsonb(f) from features.customer_features as f
        where f.as_of_date = m.moved_on and f.customer_id = %(customer_id)s
    ) as after
from unnest(
    %(moved_on)s::date[], %(moved_from)s::date[], %(segment_ids)s::integer[]
) as m (moved_on, moved_from, segment_id)
left join segments.runs as r on m.moved_on = r.as_of_date and r.status = 'published'
left join lateral (
    select jsonb_agg(s.bounds order by s.rule_number) as rules
    from segments.segment_rules as s
    where s.as_of_date = m.moved_on and s.segment_id = m.segment_id and s.bounds is not null
) as g on true
order by m.moved_on desc
