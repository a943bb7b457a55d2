-- Purpose: how far each feature's distribution has moved since the parent date: the population stability
--     index, sum over bins of (p - q) ln(p / q), p the share of customers in the bin now, q then.
-- Grain: one row: a JSON object with psi_<feature>.
-- Inputs: features.customer_features of both dates, of one customer in `sample_every` (the same ones).
-- Parameters: as_of_date, parent_as_of_date, sample_every, number_names, category_names; identifiers:
--     numbers, categories (the columns of the same features).
-- Re-run: reads only.
-- Caveats: the bins of a number are the parent's deciles and its 95th percentile, those of a category its
--     ten commonest values and the rest; unknown is a bin. Half a customer is added to each bin, so that none
--     is empty.
with sampled as (
    select
        *,
        as_of_date = %(as_of_date)s::date as is_now
    from features.customer_features
    where
        as_of_date in (%(as_of_date)s::date, %(parent_as_of_date)s::date)
        and mod(hashtext(customer_id), %(sample_every)s) = 0
),

numbers as (
    select
        is_now,
        unnest(%(number_names)s::text[]) as feature,
        unnest(array[{{ numbers }}]::double precision[]) as value
    from sampled
),

categories as (
    select
        is_now,
        unnest(%(category_names)s::text[]) as feature,
        unnest(array[{{ categories }}]::text[]) as value
    from sampled
),

deciles as (
    select
        feature,
        percentile_disc(array[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
        within group (order by value) as bounds
    from numbers
    where not is_now and value is not null
    group by feature
),

bounds as (
    select
        feature,
        array(select distinct b.bound from unnest(bounds) as b (bound) order by b.bound) as bounds
    from deciles
),

commonest as (
    select
        feature,
        value,
        row_number() over (partition by feature order by count(*) desc, value) as place
    from categories
    where not is_now and value is not null
    group by feature, value
),

binned as (
    select
        n.feature,
        n.is_now,
        case
            when n.value is null then 'unknown'
            else coalesce(width_bucket(n.value, b.bounds), 0)::text
        end as bin
    from numbers as n
    left join bounds as b on n.feature = b.feature
    union all
    select
        c.feature,
        c.is_now,
        case when c.value is null then 'unknown' else coalesce(t.place::text, 'other') end as bin
    from categories as c
    left join commonest as t on c.feature = t.feature and c.value = t.value and t.place <= 10
),

counted as (
    select
        feature,
        bin,
        count(*) filter (where is_now) as now_count,
        count(*) filter (where not is_now) as then_count
    from binned
    group by feature, bin
),

shares as (
    select
        feature,
        (now_count + 0.5) / (sum(now_count) over of_feature + 0.5 * count(*) over of_feature) as p,
        (then_count + 0.5) / (sum(then_count) over of_feature + 0.5 * count(*) over of_feature) as q
    from counted
    window of_feature as (partition by feature)
),

indices as (
    select
        feature,
        sum((p - q) * ln(p / q)) as psi
    from shares
    group by feature
)

select coalesce(jsonb_object_agg('psi_' || feature, psi), '{}') as metrics
from indices
