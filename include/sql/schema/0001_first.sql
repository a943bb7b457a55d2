-- The first version of the warehouse: one schema a layer (see docs/data_dictionary.md).
-- Keys are collated "C", so that an order by customer is the same on every server.

create schema staging;
create schema quarantine;
create schema core;
create schema features;
create schema quality;
create schema segments;
create schema publishing;

comment on schema staging is 'as extracted, by day of the shop; replaced by day';
comment on schema quarantine is 'rows that broke a row rule, with the rule, the day and the run';
comment on schema core is 'clean facts';
comment on schema features is 'roll-ups and the features of each as-of date';
comment on schema quality is 'metrics the quality gates test, one row a table and run';
comment on schema segments is 'the public interface: what readers use';
comment on schema publishing is 'what a run has made and checked, before it is published';

---------------------------------------------------------------------------------------------- staging

create table staging.loads (
    run_id text not null,
    table_name text not null,
    day_from date,
    day_to date not null,
    rows_loaded bigint not null,
    source_version text,
    loaded_at timestamptz not null default now(),
    primary key (run_id, table_name)
);
comment on table staging.loads is
'what each extraction read: days from day_from (null: all history) to before day_to';

create table staging.watermarks (
    table_name text primary key,
    loaded_before date not null,
    source_version text
);
comment on table staging.watermarks is 'all days before loaded_before are in staging';

create table staging.customers (
    day date not null,
    customer_id text collate "C",
    signed_up_at timestamptz,
    birth_year integer,
    gender text,
    country text,
    region text,
    city text,
    email_sha256 text,
    consent boolean,
    updated_at timestamptz
);
create table staging.orders (
    day date not null,
    order_id text collate "C",
    customer_id text collate "C",
    ordered_at timestamptz,
    status text,
    cancelled_at timestamptz,
    channel text,
    currency text,
    updated_at timestamptz
);
create table staging.order_items (
    day date not null,
    order_id text collate "C",
    line_no integer,
    product_id text collate "C",
    category text,
    quantity numeric,
    unit_price numeric,
    discount numeric
);
create table staging.events (
    day date not null,
    event_id text collate "C",
    customer_id text collate "C",
    session_id text collate "C",
    occurred_at timestamptz,
    event_type text,
    product_id text collate "C",
    duration_seconds numeric
);
create table staging.reviews (
    day date not null,
    review_id text collate "C",
    customer_id text collate "C",
    product_id text collate "C",
    reviewed_at timestamptz,
    rating numeric,
    body text
);
create table staging.labels (
    customer_id text collate "C",
    label text
);
create index on staging.customers (day);
create index on staging.customers (customer_id);
create index on staging.orders (day);
create index on staging.order_items (day);
create index on staging.events (day);
create index on staging.reviews (day);

------------------------------------------------------------------------------------------- quarantine

create table quarantine.customers (like staging.customers, rule text not null, run_id text not null);
create table quarantine.orders (like staging.orders, rule text not null, run_id text not null);
create table quarantine.order_items (like staging.order_items, rule text not null, run_id text not null);
create table quarantine.events (like staging.events, rule text not null, run_id text not null);
create table quarantine.reviews (like staging.reviews, rule text not null, run_id text not null);
create index on quarantine.customers (day);
create index on quarantine.orders (day);
create index on quarantine.order_items (day);
create index on quarantine.events (day);
create index on quarantine.reviews (day);

------------------------------------------------------------------------------------------------- core

create table core.customers (
    customer_id text collate "C" not null,
    valid_from date not null,
    valid_to date not null default 'infinity',
    signed_up_on date,
    birth_year integer,
    gender text,
    country text,
    region text,
    city text,
    email_sha256 text,
    consent boolean,
    primary key (customer_id, valid_from),
    check (valid_from < valid_to)
);
comment on table core.customers is
'attributes as they were known: on a day D the row with valid_from < D <= valid_to';

create table core.orders (
    order_id text collate "C" primary key,
    customer_id text collate "C" not null,
    day date not null,
    ordered_at timestamptz not null,
    local_hour smallint not null,
    status text,
    cancelled_on date,
    channel text,
    currency text
);
create index on core.orders (day);
create index on core.orders (customer_id);
create index on core.orders (cancelled_on) where cancelled_on is not null;

create table core.order_items (
    order_id text collate "C" not null,
    line_no integer not null,
    customer_id text collate "C" not null,
    day date not null,
    product_id text collate "C" not null,
    category text,
    is_service boolean not null,
    quantity numeric not null,
    unit_price numeric not null,
    discount numeric not null,
    amount_cents bigint not null,
    primary key (order_id, line_no)
);
create index on core.order_items (day);
comment on column core.order_items.amount_cents is
'quantity x unit price - discount, in hundredths of the currency; negative for a return';

create table core.events (
    event_id text collate "C" primary key,
    customer_id text collate "C" not null,
    session_id text collate "C",
    day date not null,
    occurred_at timestamptz not null,
    event_type text not null,
    product_id text collate "C",
    duration_seconds numeric
);
create index on core.events (day);

create table core.reviews (
    review_id text collate "C" primary key,
    customer_id text collate "C" not null,
    product_id text collate "C",
    day date not null,
    reviewed_at timestamptz not null,
    rating numeric,
    body_chars integer not null
);
create index on core.reviews (day);
comment on table core.reviews is
'reviews without their text, which may hold personal data and stays in staging';

create table core.row_counts (
    run_id text not null,
    table_name text not null,
    rows_in bigint not null,
    kept bigint not null,
    merged bigint not null,
    quarantined bigint not null,
    rules jsonb not null default '{}',
    primary key (run_id, table_name),
    constraint rows_in_equals_kept_merged_quarantined check (rows_in = kept + merged + quarantined)
);
comment on table core.row_counts is 'the fate of every row that a run cleaned';

--------------------------------------------------------------------------------------------- features

create table features.customer_day (
    customer_id text collate "C" not null,
    day date not null,
    orders integer not null default 0,
    weekend_orders integer not null default 0,
    morning_orders integer not null default 0,
    afternoon_orders integer not null default 0,
    evening_orders integer not null default 0,
    night_orders integer not null default 0,
    lines integer not null default 0,
    discounted_lines integer not null default 0,
    units numeric not null default 0,
    gross_cents bigint not null default 0,
    discount_cents bigint not null default 0,
    return_lines integer not null default 0,
    returned_cents bigint not null default 0,
    sessions integer not null default 0,
    views integer not null default 0,
    carts integer not null default 0,
    searches integer not null default 0,
    dwell_seconds numeric not null default 0,
    reviews integer not null default 0,
    rated_reviews integer not null default 0,
    rating_sum numeric not null default 0,
    poor_reviews integer not null default 0,
    review_chars bigint not null default 0,
    primary key (customer_id, day)
);
create index on features.customer_day (day);
comment on table features.customer_day is
'additive roll-up; orders that were cancelled later are in it, and taken off by customer_day_cancelled';

create table features.customer_day_cancelled (
    customer_id text collate "C" not null,
    day date not null,
    cancelled_on date not null,
    orders integer not null,
    weekend_orders integer not null,
    morning_orders integer not null,
    afternoon_orders integer not null,
    evening_orders integer not null,
    night_orders integer not null,
    lines integer not null,
    discounted_lines integer not null,
    units numeric not null,
    gross_cents bigint not null,
    discount_cents bigint not null,
    return_lines integer not null,
    returned_cents bigint not null,
    primary key (customer_id, day, cancelled_on)
);
create index on features.customer_day_cancelled (day);
comment on table features.customer_day_cancelled is
'what cancellations take off customer_day, for dates after cancelled_on';

create table features.customer_features (
    as_of_date date not null,
    customer_id text collate "C" not null,
    primary key (as_of_date, customer_id)
) partition by list (as_of_date);
comment on table features.customer_features is
'one row an eligible customer; the columns are those of include/config/features.yaml';

---------------------------------------------------------------------------------------------- quality

create table quality.metrics (
    run_id text not null,
    as_of_date date not null,
    gate text not null,
    table_name text not null,
    metric text not null,
    value double precision,
    primary key (run_id, gate, table_name, metric)
);
create index on quality.metrics (gate, table_name, metric, as_of_date);

--------------------------------------------------------------------------------------------- segments

create table segments.runs (
    run_id text primary key,
    as_of_date date not null,
    status text not null check (status in ('running', 'held', 'published', 'rejected', 'failed', 'no_data')),
    dag_run_id text,
    started_at timestamptz not null default now(),
    heartbeat_at timestamptz not null default now(),
    finished_at timestamptz,
    published_at timestamptz,
    parent_run_id text,
    parent_as_of_date date,
    decision text,
    verdict text,
    watermarks jsonb not null default '{}',
    counts jsonb not null default '{}',
    settings_hash text,
    code_version text,
    model_path text,
    report_path text
);
create unique index runs_one_running_a_date on segments.runs (as_of_date) where status = 'running';
create index runs_published on segments.runs (as_of_date, published_at) where status = 'published';
comment on index segments.runs_one_running_a_date is 'the lease: one running run an as-of date';

create table segments.segments (
    segment_id integer primary key,
    status text not null check (status in ('active', 'vanished')),
    first_seen date not null,
    last_seen date not null,
    parents integer[] not null default '{}'
);

create table segments.customer_segments (
    as_of_date date not null,
    customer_id text collate "C" not null,
    segment_id integer not null,
    confidence real not null check (confidence between 0 and 1),
    is_outlier boolean not null,
    previous_segment_id integer,
    run_id text not null,
    primary key (as_of_date, customer_id)
) partition by list (as_of_date);

create table segments.segment_versions (
    as_of_date date not null,
    segment_id integer not null,
    run_id text not null,
    name text not null,
    description text not null,
    rule text,
    value_tier text not null check (value_tier in ('low', 'mid', 'high')),
    lifecycle text not null check (lifecycle in ('new', 'active', 'cooling', 'lapsed')),
    customers integer not null,
    share double precision not null,
    revenue_365d numeric not null,
    primary key (as_of_date, segment_id),
    unique (as_of_date, name)
);

create table segments.segment_profiles (
    as_of_date date not null,
    segment_id integer not null,
    feature text not null,
    run_id text not null,
    mean double precision,
    median double precision,
    p10 double precision,
    p90 double precision,
    index_vs_all double precision,
    importance double precision,
    primary key (as_of_date, segment_id, feature)
);

create table segments.segment_migrations (
    as_of_date date not null,
    from_segment_id integer,
    to_segment_id integer,
    run_id text not null,
    customers integer not null,
    revenue_365d numeric not null
);
create index on segments.segment_migrations (as_of_date);

create table segments.model_leaderboard (
    as_of_date date not null,
    run_id text not null,
    candidate text not null,
    algorithm text not null,
    parameters jsonb not null,
    k integer,
    silhouette double precision,
    calinski_harabasz double precision,
    davies_bouldin double precision,
    dunn double precision,
    density_validity double precision,
    mixture_gain double precision,
    coverage double precision,
    smallest_share double precision,
    largest_share double precision,
    stability double precision,
    explainability double precision,
    predictive_validity double precision,
    predictive_auc double precision,
    incumbent_agreement double precision,
    adjusted_rand_index double precision,
    adjusted_mutual_information double precision,
    score double precision,
    gates_failed text[] not null default '{}',
    rank integer,
    chosen boolean not null,
    error text,
    primary key (as_of_date, run_id, candidate)
);

create table segments.quality_results (
    run_id text not null,
    as_of_date date not null,
    gate text not null,
    table_name text not null,
    expectation text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    success boolean not null,
    observed text,
    expected text,
    failing_rows bigint,
    link text,
    checked_at timestamptz not null default now(),
    primary key (run_id, gate, table_name, expectation)
);
create index on segments.quality_results (as_of_date);

create view segments.current_customer_segments as
with newest as (
    select max(as_of_date) as as_of_date
    from segments.runs
    where status = 'published'
)

select
    cs.as_of_date,
    cs.customer_id,
    cs.segment_id,
    sv.name,
    sv.value_tier,
    sv.lifecycle,
    cs.confidence,
    cs.is_outlier,
    cs.previous_segment_id,
    cs.run_id
from segments.customer_segments as cs
inner join newest on cs.as_of_date = newest.as_of_date
inner join segments.segment_versions as sv
    on cs.as_of_date = sv.as_of_date and cs.segment_id = sv.segment_id;
comment on view segments.current_customer_segments is 'the newest published date; read this';
