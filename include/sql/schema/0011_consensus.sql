-- Purpose: of each candidate what else its place was decided by. Grain: candidate. Of the eleventh migration.

alter table segments.model_leaderboard
add column consensus double precision,
add column neighbours_together double precision;

comment on column segments.model_leaderboard.consensus is
'mean, over the algorithms, of the mean adjusted Rand index with their candidates: do others find the same';
comment on column segments.model_leaderboard.neighbours_together is
'0..1: how far near neighbours share a segment, against chance: 1 - sqrt(cut / expected)';
comment on column segments.model_leaderboard.representation is
'in what customers were compared: all, rfm, balanced, pca, outlook, rfm_outlook; incumbent: the model in use';
comment on column segments.model_leaderboard.score is
'0..1: weighted mean of the scores that count';
