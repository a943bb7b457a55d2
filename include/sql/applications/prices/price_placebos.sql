-- Purpose: the trial of the response to price cuts by shuffles.
-- Grain: grouping, for one as_of_date. Inputs: what the task has staged.
-- Parameters: as_of_date, run_id; identifier: placebos.
-- Re-run: the rows of the date are deleted before, in the same transaction.
insert into segments.price_placebos (as_of_date, grouping_name, run_id, shuffles, false_alarms)
select
    %(as_of_date)s,
    grouping_name,
    %(run_id)s,
    shuffles,
    false_alarms
from {{ placebos }}
