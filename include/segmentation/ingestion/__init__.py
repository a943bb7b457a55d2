"""From the shop to clean facts: extraction, the gate on sources, cleaning, reconciliation."""
