-- Purpose: what the gate of prices asks of the staged responses and their trial.
-- Grain: one row, a column a metric. Inputs: the staged groups, segments and placebos.
-- Parameters: none; identifiers: groups, responses, placebos. Re-run: reads only.
with responses as (
    select
        ratio,
        ratio_low,
        ratio_high
    from {{ groups }}
    union all
    select
        ratio,
        ratio_low,
        ratio_high
    from {{ responses }}
),

judged as (
    select
        count(*) as row_count,
        count(*) filter (
            where
            ratio is not null
            and not (0 < ratio_low and ratio_low <= ratio and ratio <= ratio_high and ratio_high < 'Infinity')
        ) as ratios_outside
    from responses
),

tried as (
    select max(false_alarms) as false_alarm_share
    from {{ placebos }}
)

select
    j.*,
    t.*
from judged as j
cross join tried as t
