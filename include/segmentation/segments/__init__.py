"""What segments are: identity, names, profiles, rules, plays."""
