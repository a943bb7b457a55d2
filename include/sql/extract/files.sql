-- Purpose: remember in the shop database which file of a source is loaded.
-- Grain: source.
create schema if not exists files;
create table if not exists files.landed (
    source text primary key,
    file_name text not null,
    version text not null,
    rows bigint not null,
    last_day date,
    landed_at timestamptz not null default now()
);
alter table files.landed add column if not exists said text[] not null default '{}';
alter table files.landed add column if not exists lacks text[] not null default '{}';
