"""Operations on a deployment: status, decisions, backfills, erasure, maintenance."""
