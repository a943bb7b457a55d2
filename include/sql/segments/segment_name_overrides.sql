-- Purpose: the names and descriptions that people gave to segments.
-- Grain: segment. Inputs: segments.segment_name_overrides, which people write. Parameters: none. Read only.
select
    segment_id,
    name,
    description
from segments.segment_name_overrides
order by segment_id
