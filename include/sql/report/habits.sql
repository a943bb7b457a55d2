-- Purpose: when and where each segment buys.
-- Grain: segment, habit and value. Inputs: segments.segment_habits.
-- Parameters: as_of_date, run_id. Read only.
select
    segment_id,
    habit,
    value,
    orders,
    share,
    share_all
from segments.segment_habits
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by segment_id, habit, value
