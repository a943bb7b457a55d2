"""Segments: identity, names, profiles, rules, plays."""
