-- Purpose: whether a text is an instant, as Postgres reads it in this session. From Postgres 16 on.
create or replace function transactions.is_instant(written text) returns boolean
language sql stable parallel safe
begin atomic
    select pg_input_is_valid(written, 'timestamptz');
end;
