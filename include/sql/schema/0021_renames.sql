-- Purpose: a name by a person waits for the lock of publications when its transaction ends, and not before.
-- Grain: none. Part of the twenty-first migration.
-- Since that lock is a row the function took another one, so that a publication under way wrote the name of
-- before. The trigger is deferred: a session that gives a name and stays in its transaction holds no lock.
create or replace function segments.rename_segment() returns trigger
language plpgsql
security definer
set search_path = segments, pg_temp
as $$
declare
    changed integer := coalesce(new.segment_id, old.segment_id);
    taken record;
    number integer;
begin
    -- what a publication under way writes has the name, or is renamed after it
    perform set_config('lock_timeout', '1min', true);
    perform from operations.locks where name = 'segmentation publication' for update;
    if tg_op = 'UPDATE' and old.segment_id <> new.segment_id then
        update segments.segment_versions
        set
            name = coalesce(generated_name, name),
            description = coalesce(generated_description, description)
        where segment_id = old.segment_id;
    end if;
    -- a name is unique within a date: another segment that was called so by chance gets a number
    for taken in
        select v.as_of_date, v.segment_id
        from segments.segment_versions as v
        where tg_op <> 'DELETE' and v.name = new.name and v.segment_id <> changed
    loop
        number := 2;
        while exists (
            select from segments.segment_versions as v
            where v.as_of_date = taken.as_of_date and v.name = new.name || ' ' || number
        ) loop
            number := number + 1;
        end loop;
        update segments.segment_versions
        set
            name = new.name || ' ' || number,
            generated_name = new.name || ' ' || number
        where as_of_date = taken.as_of_date and segment_id = taken.segment_id;
    end loop;
    update segments.segment_versions as v
    set
        name = case when tg_op = 'DELETE' then coalesce(v.generated_name, v.name) else new.name end,
        description = coalesce(
            case when tg_op = 'DELETE' then null else new.description end,
            v.generated_description,
            v.description
        )
    where v.segment_id = changed;
    return null;
end
$$;

drop trigger rename_segment on segments.segment_name_overrides;
create constraint trigger rename_segment
after insert or update or delete on segments.segment_name_overrides
deferrable initially deferred
for each row execute function segments.rename_segment();
