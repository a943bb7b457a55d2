-- Purpose: The reason `quarter` of a choice: the model in use replaced another in the calendar quarter.
-- Grain: run. Part of the migration of the same number.

comment on column segments.runs.choice is
'what the choice rests on: reason (first, constraint, better, drift, age, ranking; of a model that was kept best, '
'noise, young, price, room, quarter, not_searched), challenger, gain and gain_error (of predictive validity, paired), '
'moved (share of customers), price (the gain that so many ask for) and room (the share that may move), drift (features '
'that moved since the model was made), folded (shares of segments that had become too small), equals, foresight '
'(counts, or why it does not: none, buyers, noise), buyers, best_predictive, given_up; predictive and '
'predictive_season with their standard errors';
