-- Purpose: what a choice knows beside its customers: the parent's model and segments, the currency.
-- Grain: one row. Inputs: segments.runs, model_leaderboard, segment_versions; identifier: currency
--     (report/currency.sql). Parameters: run_id, as_of_date. Read only.
select
    r.parent_as_of_date,
    p.run_id as parent_run_id,
    p.model_path,
    b.stability,
    (
        select jsonb_agg(v order by v.segment_id)
        from segments.segment_versions as v
        where v.as_of_date = r.parent_as_of_date
    ) as versions,
    (
        {{ currency }}
    ) as currency
from segments.runs as r
left join segments.runs as p on r.parent_run_id = p.run_id
left join segments.model_leaderboard as b on p.run_id = b.run_id and b.chosen
where r.run_id = %(run_id)s
