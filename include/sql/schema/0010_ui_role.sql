-- Purpose: the role that the page in the UI of Airflow reads as: the segments, the features of the customer
-- who is looked up, the currency of the orders. It can write nothing.
-- Grain: none. Part of a migration of its own.
-- Roles belong to the server: whoever migrates may be unable to make one, and another warehouse of the same
-- server may have made it. docs/production.md has the same statements for a superuser.
do $$
begin
    begin
        create role segments_ui nologin;
    exception
        when duplicate_object or unique_violation or insufficient_privilege then null;
    end;
    if exists (select from pg_roles where rolname = 'segments_ui') then
        grant usage on schema segments, features, core to segments_ui;
        grant select on all tables in schema segments to segments_ui;
        alter default privileges in schema segments grant select on tables to segments_ui;
        grant select on features.customer_features to segments_ui;
        grant select (day, currency) on core.orders to segments_ui;
        begin
            execute 'grant segments_ui to ' || quote_ident(current_user);
        exception
            when insufficient_privilege or invalid_grant_operation then null;
        end;
    end if;
end
$$
