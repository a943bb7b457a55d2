-- Purpose: whether a text is an instant, as Postgres reads it in this session. Below Postgres 16 by trying;
--     from 16 on is_instant_16.sql takes its place, which is six times faster.
create or replace function transactions.is_instant(written text) returns boolean
language plpgsql stable
as $$
begin
    return written::timestamptz is not null;
exception when data_exception then
    return false;
end
$$;
