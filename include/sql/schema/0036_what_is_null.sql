-- Purpose: the gaps between segments, and what of the leaderboard is null, since it is not computed of candidates
-- that cannot win. Grain: candidate. Re-run: once, by the migration.
alter table segments.model_leaderboard add column separation double precision;

comment on column segments.model_leaderboard.separation is
'0..1: how much emptier it is on the way from a segment to its next than in both; of the winner alone, unless it '
'is weighted';
comment on column segments.model_leaderboard.mixture_gain is
'nats a customer that a Gaussian a segment gains over one for all, after BIC; high is good; of the winner alone, '
'unless it is weighted';
comment on column segments.model_leaderboard.explainability is
'balanced accuracy of a tree of depth 4 on customers not shown to it, 0..1; of the winner alone, unless it is '
'weighted';
comment on column segments.model_leaderboard.predictive_validity is
'share of the log spend of the next period that membership explains, out of sample; 1 is best; null of '
'candidates that cannot win, for they violate a constraint, and of all in a shop that is too young';
comment on column segments.model_leaderboard.predictive_auc is
'AUC of membership for buying at all in the next period, out of sample; 0.5 is chance; null where '
'predictive_validity is';
comment on column segments.model_leaderboard.predictive_error is
'standard error of predictive_validity over customers; null where predictive_validity is';
comment on column segments.model_leaderboard.predictive_auc_error is
'standard error of predictive_auc; null where predictive_auc is';
comment on column segments.model_leaderboard.stability is
'mean adjusted Rand index with refits on subsamples; 1 is best; null of candidates that cannot win: they violate '
'a constraint, or foresee less than the best and its equals';
comment on column segments.model_leaderboard.stability_error is
'standard error of stability over subsamples; null where stability is';
comment on column segments.model_leaderboard.prediction_strength is
'0..1: of the segment that keeps together worst, the share of pairs that refits keep together (the mean); null '
'where stability is';
comment on column segments.model_leaderboard.segment_jaccard is
'0..1: of the segment that is found again worst, the mean Jaccard index with its likest of a refit; null where '
'stability is';
comment on column segments.model_leaderboard.rule_fidelity is
'share of customers not shown to the tree whom its rules put where they belong; null of candidates that cannot '
'win: rules are learned of at most 40 that foresee as much as the best, and of the model in use';
comment on column segments.model_leaderboard.untold_segments is
'segments without rules that describe at least three fifths of them with a precision of at least .6; null where '
'rule_fidelity is';
comment on column segments.model_leaderboard.score is
'0..1: weighted mean of the scores that count; null where a gate failed';
comment on column segments.model_leaderboard.is_pareto is
'no candidate that passed the gates is at least as good in every weighted score and better in one; null where a '
'gate failed';
comment on column segments.model_leaderboard.weightings_won is
'0..1: share of other weightings of the scores, each up to doubled or halved, under which it would win; null of '
'candidates that foresee less than the best and its equals, and where there is nothing to compare with';
