"""The row rules by which cleaning refuses rows, as their files in `include/sql/core` name them."""

RULES = {
    "customers": ("text_too_long", "customer_id_missing"),
    "orders": (
        "text_too_long",
        "order_id_missing",
        "customer_missing",
        "ordered_at_missing",
        "ordered_at_in_future",
    ),
    "order_items": (
        "text_too_long",
        "order_quarantined",
        "order_unknown",
        "order_on_another_day",
        "line_no_missing",
        "product_missing",
        "quantity_missing",
        "quantity_zero",
        "price_missing",
        "price_negative",
        "amount_absurd",
        "discount_invalid",
    ),
    "events": (
        "text_too_long",
        "event_id_missing",
        "customer_missing",
        "occurred_at_missing",
        "event_type_missing",
    ),
    "reviews": (
        "text_too_long",
        "review_id_missing",
        "customer_missing",
        "reviewed_at_missing",
        "rating_out_of_range",
    ),
    "products": ("text_too_long", "product_missing", "price_negative"),
}

NO_FAULT = ("customer_missing", "order_quarantined")
"""Rules that put a row aside because nobody knows whose it is; that is ordinary, and has its own figures."""
