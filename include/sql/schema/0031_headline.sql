-- Purpose: the headline that is mailed to subscribers: which date was told, so that none is told twice.
-- Grain: date. Re-run: once, by the migration.
create table operations.headline_mails (
    as_of_date date primary key,
    run_id text not null,
    claimed_at timestamptz not null default clock_timestamp(),
    taken integer,
    fault text
);
comment on table operations.headline_mails is
'dates whose headline was mailed to the addresses of the settings (headline.to); the addresses are not kept';
comment on column operations.headline_mails.as_of_date is 'the published date';
comment on column operations.headline_mails.run_id is 'the run that published it';
comment on column operations.headline_mails.claimed_at is 'when it was about to be sent';
comment on column operations.headline_mails.taken is 'addresses for which a server took it; null: it was never known';
comment on column operations.headline_mails.fault is 'why it did not reach others, without addresses and secrets';
