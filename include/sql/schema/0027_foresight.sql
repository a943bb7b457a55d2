-- Purpose: what a choice rests on as facts, how far each score is known, and what was said of a date beside what
-- has come since.
-- Grain: see the comments. Part of the twenty-fifth migration.

alter table segments.runs add column choice jsonb not null default '{}';
comment on column segments.runs.choice is
'what the choice rests on: reason (first, constraint, better, drift, age, ranking; of a model that was kept best, '
'noise, price, not_searched), challenger, gain and gain_error (of predictive validity, paired), moved (share of '
'customers) and price (the gain that so many ask for), drift (features that moved since the model was made), '
'equals, foresight (counts, or why it does not: none, buyers, noise), buyers, best_predictive, given_up; '
'predictive and predictive_season with their standard errors';

comment on column segments.runs.rule_fidelity is
'share of the customers not shown to the rules (assign_by_rule) to whom they give the segment of the model';

alter table segments.model_leaderboard
add column predictive_error double precision,
add column predictive_auc_error double precision,
add column predictive_season double precision,
add column predictive_season_error double precision,
add column stability_error double precision,
add column rule_fidelity double precision,
add column untold_segments double precision,
add column moved_share double precision,
add column gain double precision,
add column gain_error double precision;

comment on column segments.model_leaderboard.predictive_error is
'standard error of predictive_validity over customers';
comment on column segments.model_leaderboard.predictive_auc_error is
'standard error of predictive_auc';
comment on column segments.model_leaderboard.predictive_season is
'predictive_validity of the same days of the year before, of the winner; shown, never used to choose';
comment on column segments.model_leaderboard.predictive_season_error is
'standard error of predictive_season over customers';
comment on column segments.model_leaderboard.stability_error is
'standard error of stability over subsamples';
comment on column segments.model_leaderboard.rule_fidelity is
'share of customers not shown to the tree whom its rules put where they belong; of those as good as the best';
comment on column segments.model_leaderboard.untold_segments is
'segments without rules that describe at least three fifths of them with a precision of at least .6';
comment on column segments.model_leaderboard.moved_share is
'0..1: customers who would change segment, its clusters matched with the segments in use';
comment on column segments.model_leaderboard.gain is
'predictive_validity beyond that of the model in use, on the same customers';
comment on column segments.model_leaderboard.gain_error is
'paired standard error of gain over customers';

create table segments.choice_backtests (
    as_of_date date not null,
    run_id text not null,
    said_on date not null,
    said double precision,
    said_error double precision,
    said_season double precision,
    said_season_error double precision,
    came double precision not null,
    came_error double precision not null,
    customers integer not null,
    buyers integer not null,
    primary key (as_of_date)
);
comment on table segments.choice_backtests is
'what an earlier date said that its segments foresee, beside what has come since; one row a date';
comment on column segments.choice_backtests.as_of_date is 'the date on which the account is taken';
comment on column segments.choice_backtests.run_id is 'the run that took it';
comment on column segments.choice_backtests.said_on is
'the newest date published at least a horizon before, whose segments are judged';
comment on column segments.choice_backtests.said is
'share of the differences in log spend that the newest search up to then measured on the horizon before it';
comment on column segments.choice_backtests.said_error is 'its standard error over customers';
comment on column segments.choice_backtests.said_season is
'the same, measured on the same days of the year before; null: the shop was too young';
comment on column segments.choice_backtests.said_season_error is 'its standard error over customers';
comment on column segments.choice_backtests.came is
'share of the differences in log spend of the horizon after said_on that the segments explain, each customer by '
'the mean of the others in the segment';
comment on column segments.choice_backtests.came_error is 'its standard error over customers';
comment on column segments.choice_backtests.customers is 'customers of the date that is judged';
comment on column segments.choice_backtests.buyers is 'those of them who spent anything within the horizon';
