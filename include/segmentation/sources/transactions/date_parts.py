"""Dates of which year, month and day stand in columns of their own."""

from collections.abc import Sequence

import numpy as np

from segmentation.sources.transactions.coded import Coded
from segmentation.sources.transactions.exports import plain

WORDS = {  # for each part, the names of its column, as `plain` writes them
    "ordered_at": """day tag jour dia giorno dag dzien den paiva zi gun день nap 日 일 hari ngay يوم dayofmonth""",
    "year": """year jahr annee ano anno jaar rok ar vuosi an yil год godina ev 年 년 年份 tahun nam سنة""",
    "month": """month monat mois mes mese maand miesiac mesic manad maned kuukausi luna ay месяц honap 月 월 月份 bulan
        thang شهر""",
}


def guess(header: Sequence[str]) -> dict[str, int]:
    """The places of the columns of day, year and month, as roles; empty where one of them is not there."""
    spelt = [plain(name) for name in header]
    places: dict[str, int] = {}
    for role, words in WORDS.items():
        for word in set(words.split()) & set(spelt):
            places[role] = min(places.get(role, len(spelt)), spelt.index(word))
    return places if len(places) == len(WORDS) else {}


def joined(day: Coded, month: Coded, year: Coded) -> Coded:
    """The dates of the rows, as texts; nothing where a part is empty."""
    keys = (year.codes.astype(np.int64) * len(month.values) + month.codes) * len(day.values) + day.codes
    different, codes = np.unique(keys, return_inverse=True)
    rest, days = np.divmod(different, len(day.values))
    years, months = np.divmod(rest, len(month.values))
    texts = [
        _date(year.texts[y], month.texts[m], day.texts[d])
        for y, m, d in zip(years, months, days, strict=True)
    ]
    import pyarrow as pa

    return Coded(codes.astype(np.int32), pa.array(texts, pa.string())).by(str)


def _date(year: str, month: str, day: str) -> str:
    if not (year and month and day):
        return ""
    figures = [part.strip().removesuffix(".0") for part in (year, month, day)]
    return "-".join(figures) if figures[1].isdigit() else f"{figures[2]} {figures[1]} {figures[0]}"
