"""The engine of gates: expectations, their judgement, results and Data Docs.

A gate lives with its stage: `ingestion.gate`, `features.gate`, `publishing.gate`.
"""
