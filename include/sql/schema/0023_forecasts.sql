-- Purpose: forecasts of customers and segments, the model that made them, and how good they have been.
-- Grain: see the comments. Part of a migration.

create table segments.customer_forecasts (
    as_of_date date not null,
    customer_id text collate "C" not null,
    buy_probability real not null check (buy_probability between 0 and 1),
    churn_risk real check (churn_risk between 0 and 1),
    expected_spend numeric not null check (expected_spend >= 0),
    expected_spend_low numeric not null check (expected_spend_low >= 0),
    expected_spend_high numeric not null check (expected_spend_high >= expected_spend_low),
    buy_probability_365d real not null check (buy_probability_365d between 0 and 1),
    expected_spend_365d numeric not null check (expected_spend_365d >= expected_spend),
    expected_spend_365d_low numeric not null check (expected_spend_365d_low >= 0),
    expected_spend_365d_high numeric not null check (expected_spend_365d_high >= expected_spend_365d_low),
    next_order_on date check (next_order_on >= as_of_date),
    decile smallint not null check (decile between 1 and 10),
    money_at_risk numeric check (money_at_risk >= 0),
    primary key (as_of_date, customer_id)
) partition by list (as_of_date);
comment on table segments.customer_forecasts is
'what each customer is expected to do; horizon and model are in forecast_models, how good it has been in '
'forecast_backtests; one partition a date';
comment on column segments.customer_forecasts.as_of_date is
'the date of the forecast: made of facts strictly before it';
comment on column segments.customer_forecasts.customer_id is 'the id of the customer in the shop';
comment on column segments.customer_forecasts.buy_probability is
'probability of an order within the horizon, 0..1';
comment on column segments.customer_forecasts.churn_risk is
'probability of no order within the horizon, of who ordered within the last one; null: was not active';
comment on column segments.customer_forecasts.expected_spend is
'net spend to expect within the horizon, in currency units: a mean over who buys and who does not';
comment on column segments.customer_forecasts.expected_spend_low is
'the spend that one in ten such customers stays below';
comment on column segments.customer_forecasts.expected_spend_high is
'the spend that one in ten such customers exceeds';
comment on column segments.customer_forecasts.buy_probability_365d is
'probability of an order within 365 days, 0..1';
comment on column segments.customer_forecasts.expected_spend_365d is
'net spend to expect within 365 days, in currency units';
comment on column segments.customer_forecasts.expected_spend_365d_low is
'the spend within 365 days that one in ten such customers stays below';
comment on column segments.customer_forecasts.expected_spend_365d_high is
'the spend within 365 days that one in ten such customers exceeds';
comment on column segments.customer_forecasts.next_order_on is
'the day by which it is as likely as not that the customer has ordered; null: not even within a year';
comment on column segments.customer_forecasts.decile is
'10: the tenth of all customers of whom most is expected within the horizon; 1: least';
comment on column segments.customer_forecasts.money_at_risk is
'churn_risk times what was spent in the last 90 days, in currency units; null: was not active';

create table segments.segment_forecasts (
    as_of_date date not null,
    segment_id integer not null,
    customers integer not null,
    expected_buyers numeric not null,
    expected_spend numeric not null,
    expected_spend_low numeric not null,
    expected_spend_high numeric not null,
    expected_spend_365d numeric not null,
    expected_spend_365d_low numeric not null,
    expected_spend_365d_high numeric not null,
    active_customers integer not null,
    expected_churners numeric not null,
    money_at_risk numeric not null,
    primary key (as_of_date, segment_id)
);
comment on table segments.segment_forecasts is
'customer_forecasts summed over each segment; segments of fewer than privacy.min_customers are left out';
comment on column segments.segment_forecasts.as_of_date is 'the date of the forecast';
comment on column segments.segment_forecasts.segment_id is 'the permanent id of the segment';
comment on column segments.segment_forecasts.customers is 'customers of the segment';
comment on column segments.segment_forecasts.expected_buyers is
'customers to expect an order of within the horizon';
comment on column segments.segment_forecasts.expected_spend is
'net spend to expect within the horizon, in currency units';
comment on column segments.segment_forecasts.expected_spend_low is
'lower end of the interval that is to hold the spend of the segment 4 times of 5';
comment on column segments.segment_forecasts.expected_spend_high is 'upper end of that interval';
comment on column segments.segment_forecasts.expected_spend_365d is 'net spend to expect within 365 days';
comment on column segments.segment_forecasts.expected_spend_365d_low is
'lower end of the interval that is to hold the spend within 365 days 4 times of 5';
comment on column segments.segment_forecasts.expected_spend_365d_high is 'upper end of that interval';
comment on column segments.segment_forecasts.active_customers is
'customers who ordered within the last horizon';
comment on column segments.segment_forecasts.expected_churners is
'of these, how many to expect no order of within the next one';
comment on column segments.segment_forecasts.money_at_risk is
'their spend of the last 90 days, each times the churn risk: what is lost unless somebody acts';

create table segments.forecast_models (
    as_of_date date not null primary key,
    forecaster text not null,
    horizon_days integer not null,
    dates_learned_from integer not null,
    customers_learned_from integer not null,
    has_season boolean not null,
    level double precision not null,
    own_spread double precision not null,
    common_spread double precision not null,
    own_spread_365d double precision not null,
    common_spread_365d double precision not null,
    scores jsonb not null,
    cooling_recency_days integer not null,
    lapsed_recency_days integer not null,
    has_own_bounds boolean not null
);
comment on table segments.forecast_models is 'the forecaster chosen for a date on the past of the shop';
comment on column segments.forecast_models.as_of_date is 'the date of the forecast';
comment on column segments.forecast_models.forecaster is
'blend, linear, lifetime (BG/NBD), boosted or go_on; see docs/applications/forecasts.md';
comment on column segments.forecast_models.horizon_days is 'days that are forecast';
comment on column segments.forecast_models.dates_learned_from is
'earlier dates whose outcome it has learned from; 0: the shop is too young';
comment on column segments.forecast_models.customers_learned_from is
'rows that it has learned from, a customer and date each';
comment on column segments.forecast_models.has_season is
'whether the same season of the year before was seen, and the level corrected by it';
comment on column segments.forecast_models.level is
'what the expected spend was multiplied by, for how earlier forecasts were off';
comment on column segments.forecast_models.own_spread is
'standard deviation of the logarithm of what a buyer spends, around what is expected';
comment on column segments.forecast_models.common_spread is
'standard deviation of the logarithm of a total that all customers of a date have in common';
comment on column segments.forecast_models.own_spread_365d is 'own_spread of 365 days';
comment on column segments.forecast_models.common_spread_365d is 'common_spread of 365 days';
comment on column segments.forecast_models.scores is
'the mean score of each forecaster on the past of the shop; null values were too young';

comment on column segments.forecast_models.cooling_recency_days is
'days without an order after which a segment is called cooling on this date';
comment on column segments.forecast_models.lapsed_recency_days is
'days without an order after which a segment is called lapsed on this date';
comment on column segments.forecast_models.has_own_bounds is
'whether these are of the return curve of the shop (lifecycle: auto), and not of the settings';

create table segments.return_curve (
    as_of_date date not null,
    silent_days integer not null,
    returning_share double precision not null,
    primary key (as_of_date, silent_days)
);
comment on table segments.return_curve is
'of customers who are silent for so many days, the share that orders again; a few points of the curve';
comment on column segments.return_curve.as_of_date is 'the date of the curve: made of facts before it';
comment on column segments.return_curve.silent_days is 'days since the last order';
comment on column segments.return_curve.returning_share is
'the share that orders again (Kaplan-Meier); who would come after the longest silence seen counts as gone';

create table segments.forecast_backtests (
    as_of_date date not null,
    forecast_date date not null,
    kind text not null check (kind in ('published', 'looked_back')),
    forecaster text not null,
    segment_id integer,
    customers integer not null,
    buyers integer not null,
    auc double precision,
    brier double precision,
    brier_base double precision,
    calibration_error double precision,
    mae double precision,
    spearman double precision,
    top_decile_share double precision,
    expected_spend numeric not null,
    expected_spend_low numeric,
    expected_spend_high numeric,
    actual_spend numeric not null,
    unique nulls not distinct (as_of_date, forecast_date, kind, forecaster, segment_id)
);
comment on table segments.forecast_backtests is
'how good forecasts were, on dates whose horizon has passed by as_of_date, beside a naive one and BG/NBD';
comment on column segments.forecast_backtests.as_of_date is 'the date that looks back';
comment on column segments.forecast_backtests.forecast_date is 'the date of the forecast';
comment on column segments.forecast_backtests.kind is
'published: as readers had it; looked_back: made now as it would have been made then, of a sample';
comment on column segments.forecast_backtests.forecaster is
'chosen: as published, calibrated; go_on: the last days go on; lifetime: BG/NBD; others as in forecast_models';
comment on column segments.forecast_backtests.segment_id is
'the segment that the sums are of; null: all customers, or a sample of them';
comment on column segments.forecast_backtests.customers is 'customers that were looked at';
comment on column segments.forecast_backtests.buyers is 'those of them who ordered within the horizon';
comment on column segments.forecast_backtests.auc is
'probability that of a buyer and another customer the buyer had the higher forecast';
comment on column segments.forecast_backtests.brier is 'mean squared error of the probability';
comment on column segments.forecast_backtests.brier_base is 'the same of the share of buyers, said of everybody';
comment on column segments.forecast_backtests.calibration_error is
'mean distance of the probability from the share that bought, over tenths of customers';
comment on column segments.forecast_backtests.mae is 'mean absolute error of the spend, in currency units';
comment on column segments.forecast_backtests.spearman is 'rank correlation of expected and actual spend';
comment on column segments.forecast_backtests.top_decile_share is
'share of all money that came from the tenth of customers of whom most was expected';
comment on column segments.forecast_backtests.expected_spend is 'the sum that was expected, in currency units';
comment on column segments.forecast_backtests.expected_spend_low is
'lower end of the interval that is to hold what comes 4 times of 5';
comment on column segments.forecast_backtests.expected_spend_high is
'upper end of the interval that is to hold what comes 4 times of 5';
comment on column segments.forecast_backtests.actual_spend is 'the sum that came';

comment on column segments.segment_versions.value_tier is
'low, mid or high: the tercile of everybody that the value of its median customer lies in: spend of 365 days, or '
'what a year brought from the first order to the last, if that is more';
