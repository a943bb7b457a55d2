-- Purpose: every candidate of a run, the best first, those that violate a constraint last.
-- Grain: candidate. Inputs: segments.model_leaderboard.
-- Parameters: as_of_date, run_id. Read only.
select *
from segments.model_leaderboard
where as_of_date = %(as_of_date)s and run_id = %(run_id)s
order by chosen desc, rank asc nulls last, score desc nulls last, silhouette desc nulls last, candidate asc
