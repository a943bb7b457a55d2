-- Purpose: everybody's segment by the rules of the newest published date, in SQL alone.
-- Grain: customer. Identifiers: newest (the date, a literal), cases (the rules).
-- Inputs: features.customer_features of the date; features.live for customers who came after it.
-- Re-run: replaced by each publication of the newest date.
-- Caveat: those who came after it are seen as of the day after the newest order in core; who has no order
--     that counts has no segment.
create or replace view segments.assign_by_rule as
with arrived as (
    select distinct o.customer_id
    from core.orders as o
    where not exists (
        select from features.customer_features as f
        where f.as_of_date = {{ newest }} and f.customer_id = o.customer_id
    )
),

today as (
    select greatest({{ newest }}, max(day) + 1) as as_of_date
    from core.orders
),

assigned as (
    select
        f.customer_id,
        case {{ cases }} end as segment_id,
        false as is_new
    from features.customer_features as f
    where f.as_of_date = {{ newest }}
    union all
    select
        a.customer_id,
        segments.segment_by_rule(features.live(a.customer_id, t.as_of_date)) as segment_id,
        true as is_new
    from arrived as a
    cross join today as t
    where features.live(a.customer_id, t.as_of_date) is not null
)

select
    {{ newest }} as as_of_date,
    s.customer_id,
    s.segment_id,
    coalesce(o.name, v.generated_name, v.name) as name,
    s.is_new
from assigned as s
left join segments.segment_versions as v
    on v.as_of_date = {{ newest }} and s.segment_id = v.segment_id
left join segments.segment_name_overrides as o on s.segment_id = o.segment_id
