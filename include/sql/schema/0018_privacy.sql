-- Purpose: who was erased, as a keyed hash, so that no run that is under way brings the customer back; and
-- the sketches of segments, which are hashes of customers, out of the readers' sight and keyed.
-- Grain: see the comments. Part of the eighteenth migration, which then puts the key in.
create schema privacy;
comment on schema privacy is 'what is known of customers who were erased; nobody but the owner may read it';

create table privacy.secret (
    is_only boolean primary key default true check (is_only),
    inner_pad bytea not null,
    outer_pad bytea not null
);
comment on table privacy.secret is
'the key of the hashes in the two forms that HMAC takes; leave it out of dumps for others';

-- HMAC-SHA256 (RFC 2104), inlined by the planner
create function privacy.keyed(id text, inner_pad bytea, outer_pad bytea) returns bytea
language sql stable parallel safe
return sha256(outer_pad || sha256(inner_pad || convert_to(btrim(id), 'UTF8')));

create table privacy.erased (
    key bytea primary key,
    stand_in text not null unique,
    erased_at timestamptz not null default clock_timestamp(),
    is_settled boolean not null default false
);
comment on table privacy.erased is 'customers who were erased: the HMAC-SHA256 of the id, and no id';
comment on column privacy.erased.stand_in is
'what stands for the customer in the matrix of a run that was under way, and goes with it';
comment on column privacy.erased.is_settled is 'no run is left that had begun before the erasure';

create table privacy.sketches (
    segment_id integer primary key references segments.segments (segment_id) on delete cascade,
    sketch bigint[] not null
);
comment on table privacy.sketches is
'the smallest keyed hashes of the first customers of a segment, by which it is known again when its date is '
'run again';
