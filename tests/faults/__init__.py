"""Faults injected into the demo shop, each run through the real DAG: `make faults`.

`cases` says what is done to the shop and what the night must make of it, an entry a case; `laboratory` does
it and looks; `python -m tests.faults` runs all of them and writes the table `docs/faults.md`.
"""
