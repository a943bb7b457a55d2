"""Permanent ids and everything that readers see, in one transaction."""
