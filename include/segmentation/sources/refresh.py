"""Refresh of the shop database before it is read: a file of the source, or the demo shop's new days."""

from collections.abc import Callable
from contextlib import closing
from datetime import date

import psycopg2

from segmentation.dates import ONE_DAY
from segmentation.errors import SourceError
from segmentation.settings import Settings
from segmentation.sources import files
from segmentation.warehouse import db

DEMO = "demo"


def refresh(
    shop: db.Database, settings: Settings, as_of_date: date, progress: Callable[[str], None] = print
) -> str | None:
    """Load the source's file, or grow the demo shop up to the as-of date; a live shop is left alone.

    Returns the version of a file, None for a shop that only grows.

    Raises
    ------
    SourceError
        When the file cannot be loaded, or the demo shop was made with other settings.
    """
    if settings.shop.source != DEMO:
        landed = files.land(shop, settings.shop.source, settings.shop.data, progress, settings)
        return landed.version if landed else None
    from segmentation.sources.demo import shop as demo

    with closing(psycopg2.connect(**shop.params)) as conn:  # the demo shop makes its own transaction
        try:
            demo.ensure_shop(
                conn,
                through=as_of_date - ONE_DAY,
                customers=settings.shop.demo_customers,
                seed=settings.shop.demo_seed,
                spread=settings.shop.demo_spread,
                timezone=settings.shop.timezone,
                progress=progress,
            )
        except ValueError as error:
            raise SourceError(str(error)) from None
    return None
