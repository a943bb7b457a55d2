-- Purpose: the rules of the newest published date as a function of anybody's features, for whoever calls it.
-- Grain: one customer. Identifiers: fields (of the JSON object, by feature), cases (the rules).
-- Re-run: replaced by each publication of the newest date. A feature that is not given is unknown.
create or replace function segments.segment_by_rule(customer jsonb) returns integer
language sql stable parallel safe
as $rules$
select case {{ cases }} end
from (select {{ fields }}) as f
$rules$
