-- Purpose: the rules that describe each segment, the one that describes most of its customers first.
-- Grain: segment and rule. Inputs: segments.segment_rules. Parameters: as_of_date, run_id. Read only.
select
    segment_id,
    rule,
    bounds,
    customers,
    rule_precision,
    rule_recall
from segments.segment_rules
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by segment_id, rule_number
