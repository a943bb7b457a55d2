-- Purpose: what lies in quarantine of the days before a date, whichever night put it there.
-- Grain: table and rule. Inputs: quarantine.*. Parameters: as_of_date. Read only.
select
    'customers' as table_name,
    rule,
    count(*) as quarantined
from quarantine.customers
where day < %(as_of_date)s
group by rule

union all

select
    'orders' as table_name,
    rule,
    count(*) as quarantined
from quarantine.orders
where day < %(as_of_date)s
group by rule

union all

select
    'order_items' as table_name,
    rule,
    count(*) as quarantined
from quarantine.order_items
where day < %(as_of_date)s
group by rule

union all

select
    'events' as table_name,
    rule,
    count(*) as quarantined
from quarantine.events
where day < %(as_of_date)s
group by rule

union all

select
    'reviews' as table_name,
    rule,
    count(*) as quarantined
from quarantine.reviews
where day < %(as_of_date)s
group by rule

order by table_name, quarantined desc, rule
