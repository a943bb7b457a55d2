-- Purpose: keep what became of an alert.
-- Grain: incident, kind. Parameters: incident, kind, delivered, error. Re-run: the same.
update quality.alerts
set
    delivered = %(delivered)s,
    error = %(error)s
where incident = %(incident)s and kind = %(kind)s
