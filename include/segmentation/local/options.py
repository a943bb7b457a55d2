"""Options that several commands have: texts, empty where they are not given."""

from typing import Annotated, Any

import typer


def text(meaning: str, **more: Any) -> Any:
    """An option with a line of help."""
    return typer.Option(help=meaning, show_default=False, **more)


Columns = Annotated[str, text("which column is which: customer_id=client,ordered_at=day,amount=usd")]
Encoding = Annotated[str, text("of the file, such as cp1252")]
Delimiter = Annotated[str, text("between columns: one character, or the word tab")]
Header = Annotated[str, text("1 or 0: whether the first line has the names of the columns")]
Decimal = Annotated[str, text("the decimal mark")]
Dates = Annotated[str, text("order of dates: dmy, mdy or ymd")]
Discount = Annotated[str, text("whether a discount is money or a share of the price")]
