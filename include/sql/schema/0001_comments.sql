-- Purpose: what docs/data_dictionary.md says of tables and columns, as comments of the database.
-- Grain: table, column. Part of the first migration. Re-run: the same comments.
-- Caveat: a column of `segments` without a meaning here fails a test.

comment on table staging.customers is 'customers as extracted';
comment on table staging.orders is 'orders as extracted';
comment on table staging.order_items is 'order lines as extracted';
comment on table staging.events is 'browsing events as extracted';
comment on table staging.reviews is 'reviews as extracted, with their text';
comment on table staging.labels is
'true segments, where a shop has them: for external evaluation only, never for choosing';
comment on table quarantine.customers is 'customers that broke a row rule';
comment on table quarantine.orders is 'orders that broke a row rule';
comment on table quarantine.order_items is 'order lines that broke a row rule, or whose order did';
comment on table quarantine.events is 'browsing events that broke a row rule';
comment on table quarantine.reviews is 'reviews that broke a row rule';
comment on table core.orders is 'clean orders, cancelled ones too';
comment on table core.order_items is 'clean order lines; returns have a negative quantity';
comment on table core.events is 'clean browsing events';
comment on table quality.metrics is 'figures that the quality gates test';
comment on table segments.runs is 'every run, whatever became of it';
comment on table segments.segments is
'the register of segments; an id is never used again for something else';
comment on table segments.customer_segments is
'the segment of each customer on each published date; one partition a date';
comment on table segments.segment_versions is
'what a segment is called and how large it is, by published date';
comment on table segments.segment_profiles is 'what the customers of a segment are like, in natural units';
comment on table segments.segment_migrations is 'who went from which segment to which since the parent date';
comment on table segments.model_leaderboard is
'every candidate of a run, its scores, the gates it failed, and which was chosen';
comment on table segments.quality_results is
'what the quality gates found, stored before a gate stops a run';

do $$
declare
    known record;
begin
    for known in
        with public_columns (table_name, column_name, meaning) as (
        values
        ('runs', 'run_id', 'as-of date and eight hex digits'),
        ('runs', 'as_of_date', 'the date it is of: facts strictly before its 00:00 in the time zone of the shop'),
        ('runs', 'status', 'running, held (waits for a decision), published, rejected, failed or no_data'),
        ('runs', 'dag_run_id', 'the DAG run in Airflow'),
        ('runs', 'started_at', 'when it took the lease on its date'),
        ('runs', 'heartbeat_at', 'its last sign of life; without one for lease_minutes it may be taken over'),
        ('runs', 'finished_at', 'when it ended, however'),
        ('runs', 'published_at', 'when readers could see it; null unless it was published'),
        ('runs', 'parent_run_id', 'the run that published the parent date'),
        ('runs', 'parent_as_of_date',
            'the newest published date before this one, which ids, incumbent and drift depend on'),
        ('runs', 'decision', 'new (a model was chosen), keep (the last one was kept) or no structure (one segment)'),
        ('runs', 'verdict', 'what happened and why, in words'),
        ('runs', 'watermarks', 'how far the source was read, and its version'),
        ('runs', 'counts', 'rows, customers and segments'),
        ('runs', 'settings_hash', 'changes when a setting changes that shapes the segments'),
        ('runs', 'code_version', 'the commit that ran'),
        ('runs', 'model_path', 'where the chosen model is, relative to the store of artifacts or absolute'),
        ('runs', 'report_path', 'where the report is'),
        ('segments', 'segment_id', 'permanent id'),
        ('segments', 'status', 'active: in the newest published date; vanished: no longer'),
        ('segments', 'first_seen', 'the first published date that has it'),
        ('segments', 'last_seen', 'the last published date that has it'),
        ('segments', 'parents',
            'ids of the segments that at least a quarter of its known customers came from, when it '
            'was new'),
        ('customer_segments', 'as_of_date', 'the published date'),
        ('customer_segments', 'customer_id', 'the id of the customer in the shop'),
        ('customer_segments', 'segment_id', 'permanent id, never null: noise gets its nearest segment'),
        ('customer_segments', 'confidence', '0..1: how clearly the customer is inside the segment'),
        ('customer_segments', 'is_outlier', 'the model calls the customer noise'),
        ('customer_segments', 'previous_segment_id', 'the segment on the parent date; null: not there then'),
        ('customer_segments', 'run_id', 'the run that published the row'),
        ('segment_versions', 'as_of_date', 'the published date'),
        ('segment_versions', 'segment_id', 'permanent id'),
        ('segment_versions', 'run_id', 'the run that published the row'),
        ('segment_versions', 'name', 'short name, unique within the date'),
        ('segment_versions', 'description', 'one sentence about the median customer of the segment'),
        ('segment_versions', 'rule',
            'the path in a shallow tree that holds most of its customers, in names and units of the '
            'features'),
        ('segment_versions', 'value_tier',
            'low, mid or high: the tercile of everybody that its median spend_365d lies in'),
        ('segment_versions', 'lifecycle',
            'new, active, cooling or lapsed, by recency and tenure of its median customer'),
        ('segment_versions', 'customers', 'customers in it'),
        ('segment_versions', 'share', '0..1: of all customers of the date'),
        ('segment_versions', 'revenue_365d',
            'currency units that its customers spent in the 365 days before the date, less discounts '
            'and returns'),
        ('segment_profiles', 'as_of_date', 'the published date'),
        ('segment_profiles', 'segment_id', 'permanent id'),
        ('segment_profiles', 'feature',
            'a numeric feature of this dictionary; the statistics leave unknown values out'),
        ('segment_profiles', 'run_id', 'the run that published the row'),
        ('segment_profiles', 'mean', 'mean, in the unit of the feature'),
        ('segment_profiles', 'median', 'median, in the unit of the feature'),
        ('segment_profiles', 'p10', 'one in ten is below, in the unit of the feature'),
        ('segment_profiles', 'p90', 'one in ten is above, in the unit of the feature'),
        ('segment_profiles', 'index_vs_all', '100 x mean / mean of everybody; null where that is not above zero'),
        ('segment_profiles', 'importance',
            'standard deviations between the segment and everybody (heavy tails on a log scale), '
            'without sign'),
        ('segment_migrations', 'as_of_date', 'the published date'),
        ('segment_migrations', 'from_segment_id', 'the segment on the parent date; null: not there then'),
        ('segment_migrations', 'to_segment_id', 'the segment on this date; null: no longer there'),
        ('segment_migrations', 'run_id', 'the run that published the row'),
        ('segment_migrations', 'customers', 'customers who went this way, or stayed'),
        ('segment_migrations', 'revenue_365d', 'their spend of 365 days; of those who left, that of the parent date'),
        ('model_leaderboard', 'as_of_date', 'the date of the run'),
        ('model_leaderboard', 'run_id', 'the run that fitted it'),
        ('model_leaderboard', 'candidate', 'its name, unique within the run'),
        ('model_leaderboard', 'algorithm', 'name in the registry; incumbent: the model of the parent date'),
        ('model_leaderboard', 'parameters', 'what it was fitted with'),
        ('model_leaderboard', 'k', 'segments it makes'),
        ('model_leaderboard', 'silhouette', 'mean silhouette width, -1..1; noise left out'),
        ('model_leaderboard', 'calinski_harabasz',
            'variance between segments over variance within, per degree of freedom; high is good'),
        ('model_leaderboard', 'davies_bouldin', 'mean likeness of each segment to its most alike; 0 is best'),
        ('model_leaderboard', 'dunn',
            'near-neighbour Dunn index: soft minimum distance between segments over the mean within; '
            'high is good'),
        ('model_leaderboard', 'density_validity',
            'how much sparser it is between segments than within, -1..1 (DBCV)'),
        ('model_leaderboard', 'mixture_gain',
            'nats a customer that a Gaussian a segment gains over one for all, after BIC; high is '
            'good'),
        ('model_leaderboard', 'coverage', '0..1: share of customers that are not noise'),
        ('model_leaderboard', 'smallest_share', '0..1: share of customers in the smallest segment'),
        ('model_leaderboard', 'largest_share', '0..1: share of customers in the largest segment'),
        ('model_leaderboard', 'stability', 'mean adjusted Rand index with refits on subsamples; 1 is best'),
        ('model_leaderboard', 'explainability',
            'balanced accuracy of a tree of depth 4 on customers not shown to it, 0..1'),
        ('model_leaderboard', 'predictive_validity',
            'share of the log spend of the next period that membership explains, out of sample; 1 is '
            'best'),
        ('model_leaderboard', 'predictive_auc',
            'AUC of membership for buying at all in the next period, out of sample; 0.5 is chance'),
        ('model_leaderboard', 'incumbent_agreement', 'adjusted Rand index with the segments in use'),
        ('model_leaderboard', 'adjusted_rand_index',
            'with the true labels, where the shop has them; for information, never used to choose'),
        ('model_leaderboard', 'adjusted_mutual_information',
            'with the true labels, where the shop has them; for information, never used to choose'),
        ('model_leaderboard', 'score',
            'what the ranking is by: the weighted rank shares of the scores, 0..1; null where a gate '
            'failed'),
        ('model_leaderboard', 'gates_failed', 'the gates it did not pass; such a candidate cannot win'),
        ('model_leaderboard', 'rank', '1 is best; null where a gate failed'),
        ('model_leaderboard', 'chosen', 'the winner; none where no structure was found'),
        ('model_leaderboard', 'error', 'why the fit failed, where it did'),
        ('quality_results', 'run_id', 'the run'),
        ('quality_results', 'as_of_date', 'the date of the run'),
        ('quality_results', 'gate', 'which gate'),
        ('quality_results', 'table_name', 'what was looked at'),
        ('quality_results', 'expectation', 'what was expected, as a name'),
        ('quality_results', 'severity', 'critical stops the run, warning is recorded and told, info is recorded'),
        ('quality_results', 'success', 'whether it was met'),
        ('quality_results', 'observed', 'what was found'),
        ('quality_results', 'expected', 'what would have been right'),
        ('quality_results', 'failing_rows', 'rows that break it, where rows can'),
        ('quality_results', 'link', 'the page of the Data Docs, relative to the store of artifacts'),
        ('quality_results', 'checked_at', 'when it was looked at'),
        ('current_customer_segments', 'as_of_date', 'the newest published date'),
        ('current_customer_segments', 'customer_id', 'the id of the customer in the shop'),
        ('current_customer_segments', 'segment_id', 'permanent id, never null'),
        ('current_customer_segments', 'name', 'short name of the segment, unique'),
        ('current_customer_segments', 'value_tier', 'low, mid or high'),
        ('current_customer_segments', 'lifecycle', 'new, active, cooling or lapsed'),
        ('current_customer_segments', 'confidence', '0..1: how clearly the customer is inside the segment'),
        ('current_customer_segments', 'is_outlier', 'the model calls the customer noise'),
        ('current_customer_segments', 'previous_segment_id', 'the segment on the parent date; null: not there then'),
        ('current_customer_segments', 'run_id', 'the run that published the row')
        ),

        -- the layers below name the same thing alike: one meaning serves every table that has the column
        layer_columns (column_name, meaning) as (
        values
        ('customer_id', 'the id of the customer in the shop'),
        ('order_id', 'the id of the order in the shop'),
        ('line_no', 'the number of the line in its order'),
        ('product_id', 'the id of the product in the shop'),
        ('event_id', 'the id of the event in the shop'),
        ('review_id', 'the id of the review in the shop'),
        ('session_id', 'the visit that the event belongs to'),
        ('run_id', 'the run that wrote the row'),
        ('rule', 'the row rule that the row broke'),
        ('as_of_date', 'the date it is of: facts strictly before its 00:00 in the time zone of the shop'),
        ('day', 'the day of the fact in the time zone of the shop'),
        ('table_name', 'the canonical table'),
        ('day_from', 'first day read; null: all history'),
        ('day_to', 'the day before which reading ended'),
        ('rows_loaded', 'rows read'),
        ('source_version', 'which state of the source was read'),
        ('loaded_at', 'when it was read'),
        ('loaded_before', 'all days before it are in staging'),
        ('signed_up_at', 'when the customer signed up'),
        ('signed_up_on', 'the day the customer signed up'),
        ('birth_year', 'year of birth'),
        ('gender', 'as given'),
        ('country', 'as given'),
        ('region', 'as given'),
        ('city', 'as given'),
        ('email_sha256', 'SHA-256 of the trimmed, lower-case address, made by the extract; no address is kept'),
        ('consent', 'whether the customer agreed to be contacted'),
        ('updated_at', 'when the source last changed the row'),
        ('valid_from', 'the row is what was known from the day after this one on'),
        ('valid_to', 'the row is what was known up to and with this day'),
        ('ordered_at', 'when the order was placed'),
        ('local_hour', 'hour of the order in the time zone of the shop, 0..23'),
        ('status', 'as the source says it'),
        ('cancelled_at', 'when the order was cancelled; null: it was not'),
        ('cancelled_on', 'the day the order was cancelled; null: it was not'),
        ('channel', 'where the order came from'),
        ('currency', 'ISO code of the currency'),
        ('category', 'product category; service: postage, fees, vouchers'),
        ('is_service', 'a line that is no product: postage, fees, vouchers'),
        ('quantity', 'pieces; negative for a return'),
        ('unit_price', 'currency units a piece'),
        ('discount', 'currency units taken off the line'),
        ('occurred_at', 'when it happened'),
        ('event_type', 'view, cart, search and so on'),
        ('duration_seconds', 'how long it took'),
        ('reviewed_at', 'when the review was written'),
        ('rating', 'stars, 1 to 5'),
        ('body', 'text of the review'),
        ('body_chars', 'length of the text'),
        ('label', 'true segment'),
        ('rows_in', 'rows of the days that the run cleaned'),
        ('kept', 'of them, rows that are in core'),
        ('merged', 'of them, repeats and updates of a row that is in core'),
        ('quarantined', 'of them, rows that broke a rule'),
        ('rules', 'quarantined rows by rule'),
        ('orders', 'orders with a purchase'),
        ('weekend_orders', 'of them, on Saturday or Sunday'),
        ('morning_orders', 'of them, from 5 to 12 h'),
        ('afternoon_orders', 'of them, from 12 to 17 h'),
        ('evening_orders', 'of them, from 17 to 22 h'),
        ('night_orders', 'of them, from 22 to 5 h'),
        ('lines', 'lines bought'),
        ('discounted_lines', 'lines bought with a discount'),
        ('units', 'pieces bought, service lines left out'),
        ('gross_cents', 'bought, before discounts, in hundredths of the currency'),
        ('discount_cents', 'discounts, in hundredths of the currency'),
        ('return_lines', 'lines sent back'),
        ('returned_cents', 'sent back, in hundredths of the currency'),
        ('sessions', 'visits'),
        ('views', 'pages seen'),
        ('carts', 'times something was put into the cart'),
        ('searches', 'searches'),
        ('dwell_seconds', 'time spent on pages'),
        ('reviews', 'reviews written'),
        ('rated_reviews', 'of them, with a rating'),
        ('rating_sum', 'sum of the ratings'),
        ('poor_reviews', 'of them, with 1 or 2 stars'),
        ('review_chars', 'length of their texts together')
        )

        select
            a.attrelid,
            a.attname,
            coalesce(p.meaning, l.meaning) as meaning
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        inner join pg_namespace as n on c.relnamespace = n.oid
        left join public_columns as p
            on n.nspname = 'segments' and c.relname = p.table_name and a.attname = p.column_name
        left join layer_columns as l
            on n.nspname in ('staging', 'quarantine', 'core', 'features') and a.attname = l.column_name
        where
            c.relkind in ('r', 'p', 'v')
            and a.attnum > 0
            and coalesce(p.meaning, l.meaning) is not null
            and col_description(a.attrelid, a.attnum) is null
    loop
        execute 'comment on column ' || known.attrelid::regclass::text || '.' || quote_ident(known.attname)
        || ' is ' || quote_literal(known.meaning);
    end loop;
end
$$
