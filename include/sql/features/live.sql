-- Purpose: the features of one customer as of now, for customers who came after the newest published date.
-- Grain: one customer, as a JSON object by feature; null for who has no order that counts.
-- Inputs: identifier: facts: from_facts.sql of one customer, with features.customer_day for browsing and
--     reviews, which have no index by customer in core.
-- Re-run: replaced by each publication of the newest date.
-- Caveats: numbers only. It runs with the rights of its owner, because readers of segments.assign_by_rule
--     have none on these tables.
create or replace function features.live(of_customer text, as_of_date date) returns jsonb
language sql stable security definer
set search_path = ''
as $live$
with facts as (
    select file.*
    from (
        {{ facts }}
    ) as file
)

select to_jsonb(facts) - 'as_of_date' - 'customer_id'
from facts
$live$
