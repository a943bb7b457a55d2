-- Purpose: give a database, and everything that somebody has made in it, to a role: one that was made by the
-- superuser, before tasks had a role of their own. (`reassign owned` refuses what the superuser owns.)
-- Grain: none. Parameters: owner. Run again: does nothing.
select set_config('segmentation.owner', %(owner)s, true);

do $$
declare
    owner constant text := current_setting('segmentation.owner');
    command text;
begin
    for command in
        with ours as (
            select n.oid, n.nspname
            from pg_namespace as n
            where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        )

        select format('alter database %%I owner to %%I', current_database(), owner)
        union all
        select format('alter schema %%I owner to %%I', nspname, owner)
        from ours
        where nspname <> 'public'
        union all
        select format('alter table %%s owner to %%I', c.oid::regclass, owner)
        from pg_class as c
        inner join ours on c.relnamespace = ours.oid
        where
            c.relkind in ('r', 'p', 'v', 'm', 'f')
            or c.relkind = 'S' and not exists (
                select
                from pg_depend as d
                where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
            )
        union all
        select format('alter routine %%s owner to %%I', p.oid::regprocedure, owner)
        from pg_proc as p
        inner join ours on p.pronamespace = ours.oid
        union all
        select format('alter type %%s owner to %%I', t.oid::regtype, owner)
        from pg_type as t
        inner join ours on t.typnamespace = ours.oid
        where t.typtype in ('e', 'd') or t.typtype = 'c' and exists (
            select from pg_class as c where c.oid = t.typrelid and c.relkind = 'c'
        )
    loop
        execute command;
    end loop;
    if to_regnamespace('segments') is not null then
        execute format(
            'alter default privileges for role %%I in schema segments grant select on tables to reader, segments_ui',
            owner
        );
    end if;
end
$$
