"""Prices: use of discounts by segment, and who takes part when the price of a product is cut."""

from segmentation.applications import Application
from segmentation.applications.prices.section import section
from segmentation.applications.prices.stages import prepare, publish

APPLICATION = Application(
    name="prices",
    heading="Prices",
    tables=("segment_price_response", "group_price_response", "price_placebos"),
    prepare=prepare,
    publish=publish,
    section=section,
)
