-- Purpose: rows a day of the last nine weeks and a day; included by the metrics of a staging table.
-- Grain: day. Inputs: staging, of which an index on the day reads these days only. Parameters: end;
--     identifier: table.
select
    day,
    count(*) as row_count
from staging.{{ table }}
where day >= %(end)s::date - 64 and day < %(end)s::date
group by day
