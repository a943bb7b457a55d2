-- Purpose: the newest published date as a constant, by which the views of the newest date are planned.
-- Grain: none. Identifiers: newest (-infinity: nothing is published).
-- Re-run: replaced by whatever changes the newest date, in the transaction that does, and under the lock of
--     publications. Plans that were made with the date before are made anew.
create or replace function operations.newest_date() returns date
language sql immutable parallel safe
as $newest$select date '{{ newest }}'$newest$
