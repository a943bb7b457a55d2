"""One run of one date: what it works with, its register and its lease, its connections."""
