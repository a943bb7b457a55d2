-- Purpose: of each candidate in what customers were compared, more of its scores, and how sure its rank is.
-- Grain: candidate. Part of the sixth migration.

alter table segments.model_leaderboard
add column representation text,
add column silhouette_error double precision,
add column prediction_strength double precision,
add column segment_jaccard double precision,
add column normalized_mutual_information double precision,
add column homogeneity double precision,
add column completeness double precision,
add column is_pareto boolean,
add column weightings_won double precision;

comment on column segments.model_leaderboard.representation is
'in what customers were compared: all, rfm, balanced, pca, outlook; incumbent: the last model''s own';
comment on column segments.model_leaderboard.silhouette_error is
'standard error of the silhouette where it is of a sample; 0: it is of all customers';
comment on column segments.model_leaderboard.prediction_strength is
'0..1: of the segment that keeps together worst, the share of pairs that refits keep together (the mean)';
comment on column segments.model_leaderboard.segment_jaccard is
'0..1: of the segment that is found again worst, the mean Jaccard index with its likest of a refit';
comment on column segments.model_leaderboard.normalized_mutual_information is
'normalised mutual information with true labels where a shop has some; shown, never used to choose';
comment on column segments.model_leaderboard.homogeneity is
'0..1: each segment has one true label only; shown, never used to choose';
comment on column segments.model_leaderboard.completeness is
'0..1: each true label is in one segment only; shown, never used to choose';
comment on column segments.model_leaderboard.is_pareto is
'no candidate that passed the gates is at least as good in every weighted score and better in one';
comment on column segments.model_leaderboard.weightings_won is
'0..1: share of other weightings of the scores, each up to doubled or halved, under which it would win';
