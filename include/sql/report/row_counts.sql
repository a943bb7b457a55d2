-- Purpose: the fate of the rows that a run cleaned.
-- Grain: table. Inputs: core.row_counts. Parameters: run_id. Read only.
select
    table_name,
    rows_in,
    kept,
    merged,
    quarantined,
    rules
from core.row_counts
where run_id = %(run_id)s
order by rows_in desc, table_name
