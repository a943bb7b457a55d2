"""What people do to a deployment: status, decisions, backfills, erasure, maintenance."""
