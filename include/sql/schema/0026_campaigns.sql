-- Purpose: campaigns with a control group: who takes part, who is left alone, and what it brought.
-- Grain: see the comments. Part of the migration of the same number.

create table segments.campaigns (
    campaign_id text collate "C" primary key check (campaign_id ~ '^[a-z0-9][a-z0-9_-]{0,60}$'),
    name text not null,
    segment_ids integer[] not null,
    starts_on date not null,
    ends_on date not null,
    held_out double precision not null check (held_out > 0 and held_out < 1),
    as_of_date date not null,
    run_id text not null,
    made_by text not null,
    made_at timestamptz not null default clock_timestamp(),
    note text,
    covariate text not null,
    treated integer not null,
    control integer not null,
    expected_revenue double precision,
    detectable_revenue double precision,
    detectable_share double precision,
    expected_buyers double precision,
    detectable_buyers double precision,
    variance_left double precision,
    exported_at timestamptz,
    cancelled_at timestamptz,
    cancelled_by text,
    check (starts_on <= ends_on and as_of_date <= starts_on)
);
comment on table segments.campaigns is
'campaigns: who was meant, when, and how small an effect can be seen; a campaign is never changed, only cancelled';
comment on column segments.campaigns.campaign_id is 'its name in addresses and files';
comment on column segments.campaigns.name is 'its name for people';
comment on column segments.campaigns.segment_ids is 'the segments whose customers take part';
comment on column segments.campaigns.starts_on is 'the first day that counts';
comment on column segments.campaigns.ends_on is 'the last day that counts';
comment on column segments.campaigns.held_out is 'share that is left alone: the control group';
comment on column segments.campaigns.as_of_date is 'the published date whose segments were taken';
comment on column segments.campaigns.run_id is 'the run that had published it';
comment on column segments.campaigns.made_by is 'who made it';
comment on column segments.campaigns.made_at is 'when it was made';
comment on column segments.campaigns.note is 'why, or what is sent';
comment on column segments.campaigns.covariate is
'what was known of each customer before: expected_spend (the forecast) or spend_90d';
comment on column segments.campaigns.treated is 'customers who take part, when it was made';
comment on column segments.campaigns.control is 'customers who are left alone, when it was made';
comment on column segments.campaigns.expected_revenue is
'what a customer spends in as many days without it, from the days before; currency units';
comment on column segments.campaigns.detectable_revenue is
'the smallest effect a customer that is seen in four of five such campaigns; currency units';
comment on column segments.campaigns.detectable_share is 'the same as a share of expected_revenue';
comment on column segments.campaigns.expected_buyers is 'share of customers who buy in as many days without it';
comment on column segments.campaigns.detectable_buyers is
'the smallest difference of that share that is seen in four of five such campaigns';
comment on column segments.campaigns.variance_left is
'share of the variance of revenue that the covariate leaves unexplained';
comment on column segments.campaigns.exported_at is 'when its files were written last';
comment on column segments.campaigns.cancelled_at is 'when it was cancelled; its results are not told then';
comment on column segments.campaigns.cancelled_by is 'who cancelled it';

create table segments.campaign_members (
    campaign_id text collate "C" not null references segments.campaigns (campaign_id) on delete cascade,
    customer_id text collate "C" not null,
    segment_id integer not null,
    is_control boolean not null,
    covariate double precision not null,
    primary key (campaign_id, customer_id)
);
create index campaign_members_customer on segments.campaign_members (customer_id);
comment on table segments.campaign_members is
'who takes part in a campaign and who is left alone, as it was made; which of both a keyed hash says';
comment on column segments.campaign_members.campaign_id is 'the campaign';
comment on column segments.campaign_members.customer_id is 'the id of the customer in the shop';
comment on column segments.campaign_members.segment_id is 'the segment when the campaign was made';
comment on column segments.campaign_members.is_control is 'left alone: in the control group';
comment on column segments.campaign_members.covariate is
'what was known before: spend that was expected, or of the 90 days before; currency units';

create table segments.campaign_results (
    as_of_date date not null,
    campaign_id text collate "C" not null,
    segment_id integer,
    metric text not null check (metric in ('revenue', 'buyers')),
    run_id text not null,
    state text not null check (state in ('under_way', 'too_few', 'spoilt', 'ended')),
    treated integer not null,
    control integer not null,
    effect double precision,
    effect_low double precision,
    effect_high double precision,
    total double precision,
    total_low double precision,
    total_high double precision,
    without double precision,
    p_value double precision,
    variance_left double precision,
    is_approximate boolean,
    conclusion text not null check (conclusion in ('more', 'less', 'cannot_be_told', 'not_yet')),
    unique nulls not distinct (as_of_date, campaign_id, segment_id, metric)
);
comment on table segments.campaign_results is
'what a campaign brought beyond what would have come anyway, with an interval of 95 per cent; nothing before it has '
'ended, so that nobody stops at a lucky moment';
comment on column segments.campaign_results.as_of_date is 'facts before this date count';
comment on column segments.campaign_results.campaign_id is 'the campaign';
comment on column segments.campaign_results.segment_id is
'the segment when the campaign was made; empty: all of them';
comment on column segments.campaign_results.metric is
'revenue: net spend in currency units; buyers: share of customers with an order';
comment on column segments.campaign_results.run_id is 'the run that published the row';
comment on column segments.campaign_results.state is
'under_way: it has not ended, and no effect is told; too_few: too few customers in a group; spoilt: the groups '
'are no longer alike (see campaign_groups); ended';
comment on column segments.campaign_results.treated is 'customers who took part and are still known';
comment on column segments.campaign_results.control is 'customers who were left alone and are still known';
comment on column segments.campaign_results.effect is 'more a customer who took part, than without the campaign';
comment on column segments.campaign_results.effect_low is 'lower end of the interval of 95 per cent';
comment on column segments.campaign_results.effect_high is 'upper end of the interval of 95 per cent';
comment on column segments.campaign_results.total is
'effect times the customers who took part: incremental revenue, or buyers';
comment on column segments.campaign_results.total_low is 'lower end of the interval of 95 per cent';
comment on column segments.campaign_results.total_high is 'upper end of the interval of 95 per cent';
comment on column segments.campaign_results.without is
'what a customer would have come to without the campaign: the control group, adjusted by the covariate';
comment on column segments.campaign_results.p_value is
'chance of such a difference without an effect; of segments, corrected for their number (Holm)';
comment on column segments.campaign_results.variance_left is
'share of the variance that the covariate leaves unexplained';
comment on column segments.campaign_results.is_approximate is
'a few customers decide: the interval is less exact than it says';
comment on column segments.campaign_results.conclusion is
'more, less: p_value below .05; cannot_be_told: the interval has both; not_yet: it has not ended';

create table segments.campaign_groups (
    as_of_date date not null,
    campaign_id text collate "C" not null,
    is_control boolean not null,
    run_id text not null,
    customers integer not null,
    erased integer not null,
    bought_before integer not null,
    moved integer,
    covariate_mean double precision,
    spoilt_by text[] not null default '{}',
    primary key (as_of_date, campaign_id, is_control)
);
comment on table segments.campaign_groups is
'what became of both groups of a campaign: whether they can still be compared';
comment on column segments.campaign_groups.as_of_date is 'facts before this date count';
comment on column segments.campaign_groups.campaign_id is 'the campaign';
comment on column segments.campaign_groups.is_control is 'the group that was left alone';
comment on column segments.campaign_groups.run_id is 'the run that published the row';
comment on column segments.campaign_groups.customers is 'customers when the campaign was made';
comment on column segments.campaign_groups.erased is 'of them, erased since';
comment on column segments.campaign_groups.bought_before is
'of them, with an order after the campaign was made and before its first day';
comment on column segments.campaign_groups.moved is
'of them, in another segment, or in none, on the first day of the campaign; empty: not known';
comment on column segments.campaign_groups.covariate_mean is 'mean of what was known before, of those left';
comment on column segments.campaign_groups.spoilt_by is
'in what the groups differ more than by chance: erased, bought_before, moved, sizes, covariate; empty: in nothing';

create table segments.campaign_backtests (
    as_of_date date primary key,
    run_id text not null,
    customers integer not null,
    splits integer not null,
    days integer not null,
    held_out double precision not null,
    coverage double precision not null,
    false_alarms double precision not null,
    width double precision not null,
    width_naive double precision not null
);
comment on table segments.campaign_backtests is
'campaigns that have never been, made of the last weeks: what the method finds where there is nothing to find';
comment on column segments.campaign_backtests.as_of_date is 'facts before this date count';
comment on column segments.campaign_backtests.run_id is 'the run that published the row';
comment on column segments.campaign_backtests.customers is 'customers, taken at random';
comment on column segments.campaign_backtests.splits is 'times that they were split at random';
comment on column segments.campaign_backtests.days is 'days of revenue that were compared';
comment on column segments.campaign_backtests.held_out is 'share in the control group';
comment on column segments.campaign_backtests.coverage is
'share of intervals that hold the truth, which is no effect; .95 is right';
comment on column segments.campaign_backtests.false_alarms is 'share that finds an effect; .05 is right';
comment on column segments.campaign_backtests.width is 'mean width of the intervals, in currency units a customer';
comment on column segments.campaign_backtests.width_naive is
'the same without what was known before: the plain difference of means';
