-- Purpose: Bytes of a date stay when its rows have gone.
-- Grain: see the comments. Part of the migration of the same number.

comment on table segments.packed_segments is
'customer_segments of a date in a byte a customer: what the page in the UI compares two dates by; it stays for '
'retention.assignments_days when the rows of the date go';
comment on table segments.customer_segments is
'who was in which segment; the rows of each date are kept for retention.daily_days, then those of the last '
'published date of each week and month (membership has all dates); one partition a date';
comment on table segments.customer_forecasts is
'what each customer is expected to do; horizon and model are in forecast_models, how good it has been in '
'forecast_backtests; kept as customer_segments until it has been judged; one partition a date';
