-- Purpose: use of discounts and part taken in price cuts of every segment of the date.
-- Grain: segment, for one as_of_date. Inputs: what the task has staged by permanent ids of an earlier date;
--     segments.segment_versions and segment_profiles of the date.
-- Parameters: as_of_date, run_id, cuts_found; identifier: responses.
-- Re-run: the rows of the date are deleted before, in the same transaction.
insert into segments.segment_price_response
(
    as_of_date, segment_id, run_id, discounted_line_share, discounted_line_share_all, discount_share,
    discount_share_all, outcome, reason, ratio, ratio_low, ratio_high, placebo_ratio, placebo_ratio_low,
    placebo_ratio_high, products, cuts, weeks, buyers, median_depth, members_on
)
select
    %(as_of_date)s,
    v.segment_id,
    %(run_id)s,
    lines.mean as lines_mean,
    lines.mean_all as lines_mean_all,
    money.mean as money_mean,
    money.mean_all as money_mean_all,
    coalesce(r.outcome, 'cannot be told'),
    -- a segment of which nothing was staged was not there on the earlier date, or there was no such date
    case
        when r.segment_id is not null then r.reason
        when %(cuts_found)s::boolean then 'no_earlier_members'
        else 'no_cuts'
    end,
    r.ratio,
    r.ratio_low,
    r.ratio_high,
    r.placebo_ratio,
    r.placebo_ratio_low,
    r.placebo_ratio_high,
    coalesce(r.products, 0),
    coalesce(r.cuts, 0),
    coalesce(r.weeks, 0),
    r.buyers,
    r.median_depth,
    r.members_on
from segments.segment_versions as v
left join {{ responses }} as r on v.segment_id = r.segment_id
left join segments.segment_profiles as lines
    on
        v.as_of_date = lines.as_of_date
        and v.segment_id = lines.segment_id
        and lines.feature = 'discounted_line_share'
left join segments.segment_profiles as money
    on
        v.as_of_date = money.as_of_date
        and v.segment_id = money.segment_id
        and money.feature = 'discount_share'
where v.as_of_date = %(as_of_date)s
