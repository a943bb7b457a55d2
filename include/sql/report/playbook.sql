-- Purpose: what one might do with each segment, the play to begin with first.
-- Grain: segment and play. Inputs: segments.segment_playbook. Parameters: as_of_date, run_id. Read only.
select
    segment_id,
    priority,
    play,
    title,
    advice,
    reason,
    stake
from segments.segment_playbook
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by segment_id, priority
