-- Purpose: what was said of the segments of an earlier date, and what they explain of the spend that came.
-- Grain: one row, or none: there is no date published a horizon to two horizons ago whose customers are kept.
-- Inputs: segments.runs, model_leaderboard, customer_segments; features.customer_day,
--     customer_day_cancelled.
-- Parameters: as_of_date, horizon_days. Read only.
-- Caveat: a customer's forecast is the mean of the others in the segment; who is alone there has everybody's.
with judged as (
    select
        as_of_date as said_on,
        as_of_date + %(horizon_days)s as until
    from segments.runs
    where
        status = 'published'
        and dropped_at is null
        and as_of_date <= %(as_of_date)s::date - %(horizon_days)s
        and as_of_date > %(as_of_date)s::date - 2 * %(horizon_days)s
    order by as_of_date desc, published_at desc
    limit 1
),

said as (
    select
        b.predictive_validity as said,
        b.predictive_error as said_error,
        b.predictive_season as said_season,
        b.predictive_season_error as said_season_error
    from segments.model_leaderboard as b
    inner join segments.runs as r on b.run_id = r.run_id
    cross join judged as j
    where b.chosen and r.status = 'published' and b.as_of_date <= j.said_on and b.predictive_validity is not null
    order by b.as_of_date desc, r.published_at desc
    limit 1
),

movements as (
    select
        d.customer_id,
        d.gross_cents - coalesce(d.discount_cents, 0) - coalesce(d.returned_cents, 0) as cents
    from features.customer_day as d
    cross join judged as j
    where d.day >= j.said_on and d.day < j.until
    union all
    select
        d.customer_id,
        -(d.gross_cents - d.discount_cents - d.returned_cents) as cents
    from features.customer_day_cancelled as d
    cross join judged as j
    where
        d.day >= j.said_on
        and d.day < j.until
        and d.cancelled_on < j.until
),

spent as (
    select
        customer_id,
        greatest(sum(cents), 0) / 100.0 as spend
    from movements
    group by customer_id
),

outcomes as (
    select
        cs.segment_id,
        ln(1 + coalesce(s.spend, 0))::double precision as outcome
    from segments.customer_segments as cs
    inner join judged as j on cs.as_of_date = j.said_on
    left join spent as s on cs.customer_id = s.customer_id
),

grouped as (
    select
        segment_id,
        outcome,
        count(*) over own as members,
        sum(outcome) over own as summed,
        avg(outcome) over () as everybody
    from outcomes
    window own as (partition by segment_id)
),

errors as (
    select
        outcome,
        power(outcome - everybody, 2) as spread,
        power(
            outcome - case when members > 1 then (summed - outcome) / (members - 1) else everybody end, 2
        ) as squared
    from grouped
),

means as (
    select
        count(*) as customers,
        count(*) filter (where outcome > 0) as buyers,
        avg(spread) as spread,
        1 - avg(squared) / nullif(avg(spread), 0) as came
    from errors
),

deviations as (
    select stddev_samp(e.spread - e.squared - m.came * e.spread) as deviation
    from errors as e
    cross join means as m
)

select
    j.said_on,
    s.said,
    s.said_error,
    s.said_season,
    s.said_season_error,
    round(m.came::numeric, 6)::double precision as came,
    round((d.deviation / m.spread / sqrt(m.customers))::numeric, 6)::double precision as came_error,
    m.customers,
    m.buyers
from judged as j
cross join means as m
cross join deviations as d
left join said as s on true
where m.came is not null and d.deviation is not null
