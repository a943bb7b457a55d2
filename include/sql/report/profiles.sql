-- Purpose: what each segment of a run is like, in natural units.
-- Grain: segment and feature. Inputs: segments.segment_profiles.
-- Parameters: as_of_date, run_id. Read only.
select
    segment_id,
    feature,
    mean,
    median,
    p10,
    p90,
    median_all,
    effect,
    importance
from segments.segment_profiles
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by segment_id, feature
