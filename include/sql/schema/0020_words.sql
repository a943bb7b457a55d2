-- Purpose: the representations of the leaderboard, and what order gaps are, in the words of today.
-- Grain: none. Inputs: comments only. Re-run: once, by the migration.
comment on column segments.model_leaderboard.representation is
'in what customers were compared: all, rfm, balanced, pca, forecast, rfm_forecast (outlook, rfm_outlook before 0.2); '
'incumbent: the model in use; raw: the naive baseline';
comment on table features.customer_order_day is
'the days of customer_day with an order, by customer: whose order is cancelled has the gaps between orders counted '
'again';
