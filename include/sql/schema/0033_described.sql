-- Purpose: of each candidate how much its segments say of the features. Grain: candidate. Of the 33rd migration.

alter table segments.model_leaderboard add column described double precision;

comment on column segments.model_leaderboard.described is
'share of the variance of the features that membership explains, adjusted for the number of segments';
comment on column segments.runs.choice is
'what the choice rests on: reason (first, constraint, better, drift, age, ranking; of a model that was kept best, '
'noise, young, price, not_searched), challenger, gain and gain_error (of predictive validity, paired), moved (share '
'of customers) and price (the gain that so many ask for), drift (features that moved since the model was made), '
'equals, foresight (counts, or why it does not: none, buyers, noise), buyers, best_predictive, given_up; '
'predictive and predictive_season with their standard errors';
