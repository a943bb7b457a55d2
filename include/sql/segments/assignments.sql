-- Purpose: where a run stages its clusters before they are checked and published.
-- Grain: customer. Identifiers: table. Re-run: dropped and made again.
drop table if exists {{ table }};
create table {{ table }} (
    customer_id text collate "C" not null,
    cluster integer not null,
    confidence real not null,
    is_outlier boolean not null
)
