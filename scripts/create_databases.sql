-- Roles and databases of a deployment: each database belongs to a role of its own, and no role sees another's.
-- psql as superuser; passwords come from the environment. Postgres' image runs it once, on an empty volume.
\set ON_ERROR_STOP on
\getenv airflow_password AIRFLOW_DATABASE_PASSWORD
\getenv warehouse_password WAREHOUSE_PASSWORD
\getenv shop_password SHOP_PASSWORD

create role airflow login password :'airflow_password';
create role warehouse login password :'warehouse_password';
create role shop login password :'shop_password';

-- The page of the UI reads the warehouse as this role (docs/production.md); migrations grant what it may.
select 'create role segments_ui' where not exists (select from pg_roles where rolname = 'segments_ui') \gexec
grant segments_ui to warehouse;

create database airflow owner airflow template template0 encoding 'UTF8';
create database warehouse owner warehouse template template0 encoding 'UTF8';
create database shop owner shop template template0 encoding 'UTF8';

-- Who forgets an open transaction holds up the maintenance; the nights have limits of their own.
alter database warehouse set idle_in_transaction_session_timeout = '5min';

-- By default everybody may connect to every database.
revoke connect, temporary on database airflow, warehouse, shop from public;
revoke connect, temporary on database postgres from public;
