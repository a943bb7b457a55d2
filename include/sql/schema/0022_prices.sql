-- Purpose: use of discounts and response to price cuts, by segment and by groups of customers; the trial of it.
-- Grain: see the comments. Part of the migration of the same number.

create table segments.group_price_response (
    as_of_date date not null,
    grouping_name text not null,
    level text not null,
    run_id text not null,
    outcome text not null check (outcome in ('can be told', 'cannot be told')),
    reason text,
    ratio double precision,
    ratio_low double precision,
    ratio_high double precision,
    placebo_ratio double precision,
    placebo_ratio_low double precision,
    placebo_ratio_high double precision,
    products integer not null,
    cuts integer not null,
    weeks integer not null,
    buyers integer,
    median_depth double precision,
    primary key (as_of_date, grouping_name, level),
    check ((outcome = 'can be told') = (reason is null))
);
comment on table segments.group_price_response is
'who takes part in price cuts, by groups that were known before the purchase: ratios to all others, and no '
'elasticities, which a shop''s own data do not tell';

create table segments.segment_price_response (
    as_of_date date not null,
    segment_id integer not null,
    run_id text not null,
    discounted_line_share double precision,
    discounted_line_share_all double precision,
    discount_share double precision,
    discount_share_all double precision,
    outcome text not null check (outcome in ('can be told', 'cannot be told')),
    reason text,
    ratio double precision,
    ratio_low double precision,
    ratio_high double precision,
    placebo_ratio double precision,
    placebo_ratio_low double precision,
    placebo_ratio_high double precision,
    products integer not null,
    cuts integer not null,
    weeks integer not null,
    buyers integer,
    median_depth double precision,
    members_on date,
    primary key (as_of_date, segment_id),
    check ((outcome = 'can be told') = (reason is null))
);
comment on table segments.segment_price_response is
'use of discounts, and part taken in price cuts, of each segment of a date';
comment on column segments.segment_price_response.segment_id is 'permanent id';
comment on column segments.segment_price_response.discounted_line_share is
'mean over its customers of the share of lines that they bought at a discount; null: the source knows none';
comment on column segments.segment_price_response.discounted_line_share_all is 'the same of everybody';
comment on column segments.segment_price_response.discount_share is
'mean over its customers of discounts as a share of what they bought for; null: the source knows none';
comment on column segments.segment_price_response.discount_share_all is 'the same of everybody';
comment on column segments.segment_price_response.members_on is
'the earlier published date by whose segments the purchases were told apart; null: there was none';

do $$
declare
    place text;
    one record;
begin
    foreach place in array array['group_price_response', 'segment_price_response'] loop
        for one in
            select
                c.column_name,
                c.meaning
            from (
                values
                ('as_of_date', 'the published date; facts before it count'),
                ('run_id', 'the run that published the row'),
                ('outcome', 'can be told, or cannot be told'),
                (
                    'reason',
                    'why nothing can be told: no_cuts, few_cuts (products or weeks), few_buyers, differed_before '
                    '(the placebo), no_difference (the interval holds 1), shuffles (so would too many of them '
                    'have), no_earlier_members (no date published early enough); null: something can be told'
                ),
                (
                    'ratio',
                    'odds that a buyer of a product is of the group in the weeks of a price cut against ordinary '
                    'weeks of the same product, less what its share of other purchases did: above 1 it takes part '
                    'more than the others'
                ),
                ('ratio_low', 'lower bound; the intervals of a grouping hold all of its ratios in 98 of 100'),
                ('ratio_high', 'upper bound'),
                ('placebo_ratio', 'the same of the two weeks before the cuts: 1, but for chance'),
                ('placebo_ratio_low', 'lower bound, at 95 %%'),
                ('placebo_ratio_high', 'upper bound, at 95 %%'),
                ('products', 'products whose price was cut, with buyers in these weeks and in ordinary ones'),
                ('cuts', 'price cuts of these'),
                ('weeks', 'different weeks in which they began'),
                ('buyers', 'buyers of the group in the weeks of cuts, each once a product and week; null: too few'),
                ('median_depth', 'median of the cuts, as a share of the usual price')
            ) as c (column_name, meaning)
        loop
            execute format('comment on column segments.%%I.%%I is %%L', place, one.column_name, one.meaning);
        end loop;
    end loop;
end
$$;
comment on column segments.group_price_response.grouping_name is
'tenure: new or existing when they bought; value: thirds by what was spent in the twelve months before';
comment on column segments.group_price_response.level is
'new, existing; low, middle, high: whoever had bought nothing before is in no value tier';

create table segments.price_placebos (
    as_of_date date not null,
    grouping_name text not null,
    run_id text not null,
    shuffles integer not null,
    false_alarms double precision not null,
    primary key (as_of_date, grouping_name)
);
comment on table segments.price_placebos is
'the trial of the response to price cuts on the shop''s own purchases, with the prices in other weeks';
comment on column segments.price_placebos.as_of_date is 'the published date; facts before it count';
comment on column segments.price_placebos.grouping_name is 'tenure, value or segment';
comment on column segments.price_placebos.run_id is 'the run that published the row';
comment on column segments.price_placebos.shuffles is
'times that the prices of each product were moved to other weeks';
comment on column segments.price_placebos.false_alarms is
'share of them in which something would have been told of any group; with more than 0.1 nothing is told';
