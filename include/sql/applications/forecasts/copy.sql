-- Purpose: publish rows of a date that a run has staged, as they are.
-- Grain: that of the table. Inputs: what the run has staged. Parameters: identifiers: table, staged, columns.
-- Re-run: rows of the date were deleted before.
insert into segments.{{ table }} ({{ columns }})
select {{ columns }}
from {{ staged }}
