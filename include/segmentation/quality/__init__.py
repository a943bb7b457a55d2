"""The engine of gates: expectations, their judgement, results and Data Docs.

A gate lives with its stage: `ingestion.gate`, `features.gate`, `publishing.gate`.
"""

import logging

# Great Expectations tells of each of its methods that it makes no documentation of it: two hundred lines an import
logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
