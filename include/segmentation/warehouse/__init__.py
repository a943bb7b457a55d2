"""Postgres: connections, partitions, schema and locks."""
