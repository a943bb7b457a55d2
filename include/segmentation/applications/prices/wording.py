"""Words for the groups whose response is told, and for the reasons why it is not; `t` translates them."""

LEVELS = {
    "new": "New customers",
    "existing": "Existing customers",
    "low": "Low value before",
    "middle": "Middle value before",
    "high": "High value before",
}
REASONS = {
    "no_cuts": "no product was cheaper for a few weeks and then back at its usual price",
    "few_cuts": "too few products or weeks with a price cut",
    "few_buyers": "too few of them bought in the weeks of price cuts",
    "differed_before": "their part had changed in the weeks before the cuts already",
    "no_difference": "no difference to the others beyond chance",
    "shuffles": "with the prices in other weeks, something would be told too often",
    "no_earlier_members": (
        "who is in a segment must be known before the purchases: no date was published early enough"
    ),
}
