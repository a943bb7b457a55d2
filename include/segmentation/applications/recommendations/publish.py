"""The rows of a date, written in the transaction of its publication."""

from segmentation import applications
from segmentation.applications.recommendations.prepare import BACKTESTS, CUSTOMERS, LISTS, PRODUCTS
from segmentation.runs.night import Night
from segmentation.warehouse import db


def publish(conn: db.Connection, night: Night) -> None:
    """Write lists, products, backtests, and what the lists of a segment have in common."""
    tables = {
        "lists": applications.staged(night, LISTS),
        "customers": applications.staged(night, CUSTOMERS),
        "products": applications.staged(night, PRODUCTS),
    }
    bounds = {
        **night.params,
        "most": night.settings.applications.recommendations.products,
        "min_customers": night.settings.privacy.min_customers,
    }
    db.run_file(conn, "applications/recommendations/recommended_products_of_date.sql", bounds, **tables)
    db.run_file(conn, "applications/recommendations/customer_recommendation_lists.sql", bounds, **tables)
    db.run_file(conn, "applications/recommendations/segment_recommendations.sql", bounds, **tables)
    db.run_file(
        conn,
        "applications/recommendations/recommendation_backtests.sql",
        backtests=applications.staged(night, BACKTESTS),
    )
