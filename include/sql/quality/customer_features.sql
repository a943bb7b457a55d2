-- Purpose: what the feature gate asks of the features of a date.
-- Grain: one row, a column a metric (some of them a feature).
-- Inputs: features.customer_features of the date (one pass); features.customer_day and
--     customer_day_cancelled for who is eligible; core.order_items of the last days.
-- Parameters: as_of_date, recent_days; identifiers: features (name, is_number, lowest, highest).
-- Re-run: reads only.
-- Caveat: the roll-up is compared with the clean lines in the last days only; a night must not read all history.
with measured as (
    select
        count(*) as row_count,
        {% for feature in features -%}
        count({{ feature.name }}) as known_{{ feature.name }},
        {% if feature.is_number -%}
        count(*) filter (
            where not (
                {{ feature.name }} < 'Infinity'
                {%- if feature.lowest is not none %} and {{ feature.name }} >= {{ feature.lowest }}{% endif %}
                {%- if feature.highest is not none %} and {{ feature.name }} <= {{ feature.highest }}{% endif %}
                and {{ feature.name }} > '-Infinity'
            )
        ) as outside_{{ feature.name }},
        {% endif -%}
        {% endfor -%}
        sum(round(monetary::numeric * 100)) as cents
    from features.customer_features
    where as_of_date = %(as_of_date)s
),

eligible as (
    select count(*) as customers
    from (
        select customer_id
        from (
            select
                customer_id,
                orders
            from features.customer_day
            where day < %(as_of_date)s
            union all
            select
                customer_id,
                -orders
            from features.customer_day_cancelled
            where day < %(as_of_date)s and cancelled_on < %(as_of_date)s
        ) as placed
        group by customer_id
        having sum(orders) > 0
    ) as with_orders
),

rolled_up as (
    select coalesce(sum(gross_cents - discount_cents - returned_cents), 0) as cents
    from features.customer_day
    where day >= %(as_of_date)s::date - %(recent_days)s and day < %(as_of_date)s
),

clean as (
    select coalesce(sum(amount_cents), 0) as cents
    from core.order_items
    where day >= %(as_of_date)s::date - %(recent_days)s and day < %(as_of_date)s
)

select
    m.*,
    e.customers as eligible_customers,
    abs(m.row_count - e.customers) as customers_off,
    abs(r.cents - c.cents) as cents_off
from measured as m
cross join eligible as e
cross join rolled_up as r
cross join clean as c
