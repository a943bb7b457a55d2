-- Purpose: forget who looked at customers in the UI, after so many days by the clock.
-- Grain: look, list or file. Inputs: operations.access_log; days. Re-run: nothing is left to forget.
delete from operations.access_log where at < now() - make_interval(days => %(days)s);
