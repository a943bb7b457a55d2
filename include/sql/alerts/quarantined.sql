-- Purpose: a few rows that a run put into quarantine for a fault, by key and rule, for an alert.
-- Grain: row. Inputs: quarantine.<table>. Parameters: run_id, no_fault (rules that are ordinary), n; holes:
-- the table, and what names one of its rows. Re-run: reads only.
select distinct on (rule, row_key)
    {{ key }} as row_key,
    rule
from quarantine.{{ table }}
where run_id = %(run_id)s and not rule = any(%(no_fault)s)
order by rule, row_key
limit %(n)s
