"""Files of a shop: loaded as they are, under our names; what cannot be read is refused in one line."""

import gzip
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pytest

from segmentation.errors import SourceError
from segmentation.settings import Settings
from segmentation.sources import columns, files
from segmentation.sources.columns import FileSpec
from segmentation.warehouse import db
from segmentation.warehouse.db import Database
from tests.conftest import SHARED_DATA
from tests.small_shop import progress_list, silent

SOURCE = "online_retail"
COLUMNS = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
OTHER_EDITION = [
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
]
ROWS = [
    ["536365", "85123A", 'HEART, "WHITE"', "6", "2010-12-01 08:26:00", "2.55", "17850.0", "United Kingdom"],
    ["C536379", "D", "", "-1", "2010-12-13 09:41:00", "27.5", "", "France"],
]
LOADED = [
    (
        1,
        "536365",
        "85123A",
        'HEART, "WHITE"',
        "6",
        "2010-12-01 08:26:00",
        "2.55",
        "17850.0",
        "United Kingdom",
    ),
    (2, "C536379", "D", None, "-1", "2010-12-13 09:41:00", "27.5", None, "France"),
]


def frame(rows: list[list[str]] = ROWS, columns: list[str] = COLUMNS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns)


def dated(*dates: str) -> pd.DataFrame:
    """A line for each of these dates."""
    return frame([[*ROWS[0][:4], when, *ROWS[0][5:]] for when in dates])


def lines(shop: Database) -> list[tuple]:
    """The lines in the shop database; an empty text is None."""
    with shop.connect(readonly=True) as conn, conn.cursor() as cursor:
        cursor.execute("select * from online_retail.lines order by file_row")
        return [
            tuple(str(v) if hasattr(v, "year") else (v if v != "" else None) for v in row)
            for row in cursor.fetchall()
        ]


def times(shop: Database) -> list[str]:
    return [row[5] for row in lines(shop)]


def land(shop: Database, file: Path) -> files.Landed:
    landed = files.land(shop, SOURCE, str(file), silent)
    assert landed is not None
    return landed


def write_csv(path: Path, content: pd.DataFrame, **options) -> Path:
    content.to_csv(path, index=False, **options)
    return path


def write_xlsx(path: Path, sheets: dict[str, pd.DataFrame]) -> Path:
    """A workbook with numbers as numbers, dates as dates and the rest as text, made without a library."""
    names = list(sheets)
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    packages = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"

    def cell(value: str, column: str) -> str:
        if column == "InvoiceDate":
            days = (pd.Timestamp(value) - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)
            return f'<c s="1"><v>{days!r}</v></c>'
        if column in ("Quantity", "UnitPrice", "Price", "CustomerID", "Customer ID") and value:
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    def sheet(content: pd.DataFrame) -> str:
        header = "".join(cell(name, "header") for name in content.columns)
        body = "".join(
            "<row>" + "".join(cell(v, c) for v, c in zip(row, content.columns, strict=True)) + "</row>"
            for row in content.itertuples(index=False)
        )
        return f"<worksheet {main}><sheetData><row>{header}</row>{body}</sheetData></worksheet>"

    def related(target: list[tuple[str, str]]) -> str:
        listed = "".join(
            f'<Relationship Id="r{i}" Type="{relations}/{name}" Target="{where}"/>'
            for i, (name, where) in enumerate(target)
        )
        return f'<Relationships xmlns="{packages}/relationships">{listed}</Relationships>'

    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/></Types>',
        "_rels/.rels": related([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{relations}"><sheets>'
        + "".join(f'<sheet name="{n}" sheetId="{i + 1}" r:id="r{i}"/>' for i, n in enumerate(names))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": related(
            [("worksheet", f"sheet{i}.xml") for i in range(len(names))] + [("styles", "styles.xml")]
        ),
        "xl/styles.xml": f'<styleSheet {main}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/>'
        "</cellXfs></styleSheet>",
        **{f"xl/sheet{i}.xml": sheet(sheets[name]) for i, name in enumerate(names)},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


WRITERS: dict[str, Callable[[Path, pd.DataFrame], object]] = {
    "lines.csv": write_csv,
    "lines.csv.gz": write_csv,
    "LINES.CSV": write_csv,
    "lines.parquet": lambda path, content: content.to_parquet(path),
    "lines.xlsx": lambda path, content: write_xlsx(path, {"Online Retail": content}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_is_loaded_as_it_is(shop_db, tmp_path, name):
    WRITERS[name](tmp_path / name, frame())
    landed = land(shop_db, tmp_path / name)
    assert (landed.rows, landed.last_day) == (2, date(2010, 12, 13))
    found = lines(shop_db)
    if name.endswith("xlsx"):  # a number has no ".0" of its own there
        found = [tuple("17850.0" if v == "17850" else v for v in row) for row in found]
    assert found == LOADED


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS,  # the first edition
        OTHER_EDITION,  # the second one
        [f" {column.upper()} " for column in COLUMNS],  # by way of a spreadsheet
        [*reversed(COLUMNS)],  # in another order
    ],
)
def test_the_names_of_both_editions_are_known(shop_db, tmp_path, columns):
    content = frame()
    if columns[0] == "Country":
        content = content[columns]
    content.columns = columns
    land(shop_db, write_csv(tmp_path / "lines.csv", content.assign(more="is left")))
    assert lines(shop_db) == LOADED


def test_parquet_with_types_is_loaded_as_text(shop_db, tmp_path):
    typed = frame().assign(
        Quantity=[6, -1],
        UnitPrice=[2.55, 27.5],
        CustomerID=[17850.0, None],
        InvoiceDate=pd.to_datetime(["2010-12-01 08:26:00", "2010-12-13 09:41:00"]),
        Description=['HEART, "WHITE"', None],
    )
    typed.to_parquet(tmp_path / "lines.parquet")
    land(shop_db, tmp_path / "lines.parquet")
    assert lines(shop_db) == [tuple("17850" if v == "17850.0" else v for v in row) for row in LOADED]


@pytest.mark.parametrize("columns", [COLUMNS, OTHER_EDITION])
def test_all_sheets_of_a_workbook_are_loaded(shop_db, tmp_path, columns):
    """The second edition is a workbook of two years."""
    sheets = {
        year: frame(rows, columns)
        for year, rows in (("Year 2009-2010", ROWS[:1]), ("Year 2010-2011", ROWS[1:]))
    }
    assert land(shop_db, write_xlsx(tmp_path / "lines.xlsx", sheets)).rows == 2
    found = lines(shop_db)
    assert [row[:6] for row in found] == [row[:6] for row in LOADED]
    assert [row[7] for row in found] == ["17850", None]  # a number there has no ".0" of its own


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1252", "lines.csv"),  # the edition of 2015
        ("utf-8", "lines.csv"),
        ("utf-8-sig", "lines.csv"),  # saved by a spreadsheet
        ("cp1252", "lines.csv.gz"),
    ],
)
def test_texts_survive_their_encoding(shop_db, tmp_path, encoding, name):
    content = frame([[*ROWS[0][:2], "CAFÉ £5 – Ø", *ROWS[0][3:]]])
    land(shop_db, write_csv(tmp_path / name, content, encoding=encoding))
    assert lines(shop_db)[0][1:4] == ("536365", "85123A", "CAFÉ £5 – Ø")


def test_texts_that_look_missing_are_kept(shop_db, tmp_path):
    land(shop_db, write_csv(tmp_path / "lines.csv", frame([["NA", "null", "None", "NaN", *ROWS[0][4:]]])))
    assert lines(shop_db)[0][1:5] == ("NA", "null", "None", "NaN")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # as published
        (["2010-12-01 08:26:00", "2010-12-13 08:26:00"], ["2010-12-01 08:26:00", "2010-12-13 08:26:00"]),
        # American, as the first edition was
        (["12/1/2010 8:26", "12/13/2010 8:26"], ["2010-12-01 08:26:00", "2010-12-13 08:26:00"]),
        # European: the second line tells
        (["1/12/2010 8:26", "13/12/2010 8:26"], ["2010-12-01 08:26:00", "2010-12-13 08:26:00"]),
        (["01.12.2010 08:26", "13.12.2010 08:26"], ["2010-12-01 08:26:00", "2010-12-13 08:26:00"]),
        # a date without a time is its midnight
        (["2010-12-01", "2010-12-13T08:26:00"], ["2010-12-01 00:00:00", "2010-12-13 08:26:00"]),
        (["12/1/2010", "12/13/2010"], ["2010-12-01 00:00:00", "2010-12-13 00:00:00"]),
    ],
)
def test_dates_are_read_the_way_that_fits_all_of_them(shop_db, tmp_path, written, read):
    assert land(shop_db, write_csv(tmp_path / "lines.csv", dated(*written))).rows == 2
    assert times(shop_db) == read


def test_dates_that_no_one_way_fits_are_refused(shop_db, tmp_path):
    file = write_csv(tmp_path / "lines.csv", dated("12/13/2010 8:26", "13/12/2010 8:26"))
    with pytest.raises(SourceError, match=r"dates are written in two ways .*say which is right: DATES=dmy"):
        land(shop_db, file)


@pytest.mark.parametrize(
    ("wrong", "pattern"), [("soon", "xxxx"), ("2010-13-01 08:26:00", "9999-99-99 99:99:99"), ("", "")]
)
def test_an_unreadable_date_is_named_with_its_row(shop_db, tmp_path, wrong, pattern):
    good = "2010-12-01 08:26:00"
    file = write_csv(tmp_path / "lines.csv", dated(good, good, good, wrong, good))
    with pytest.raises(SourceError) as refused:
        land(shop_db, file)
    assert str(refused.value) == (
        f"lines.csv: row 4 (below the header), column InvoiceDate: '{pattern}' is not a date and time"
    )


@pytest.mark.parametrize(
    "written",
    [
        ["2010-12-01T08:26:00Z"],
        ["2010-12-01T08:26:00+01:00", "2010-12-01 08:26:00"],
    ],
)
def test_times_on_another_clock_than_the_shops_are_refused(shop_db, tmp_path, written):
    with pytest.raises(SourceError, match=r"lines\.csv: column InvoiceDate: times with an offset from UTC"):
        land(shop_db, write_csv(tmp_path / "lines.csv", dated(*written)))


# --------------------------------------------------------------------------------------- refused files


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named_with_those_found(shop_db, tmp_path, column):
    other = dict(zip(COLUMNS, OTHER_EDITION, strict=True))[column]
    name = f"{column} or {other}" if other != column else column
    content = frame().rename(columns={column: "Unheard of"})
    with pytest.raises(SourceError, match=rf"lines\.csv: column {name} is missing \(found: .*Unheard of"):
        land(shop_db, write_csv(tmp_path / "lines.csv", content))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        # nothing at all
        ("empty.csv", b"", r"empty\.csv: it is empty"),
        ("empty.parquet", b"", r"empty\.parquet: it is empty"),
        ("empty.xlsx", b"", r"empty\.xlsx: it is empty"),
        ("empty.csv.gz", b"", r"empty\.csv\.gz: "),
        # a download that broke off
        (
            "short.csv.gz",
            gzip.compress(b"InvoiceNo,StockCode\n" * 5000, mtime=0)[:60],
            r"short\.csv\.gz: not readable",
        ),
        # bytes that fell over on the way
        (
            "broken.csv.gz",
            (lambda packed: packed[:20] + bytes(40) + packed[60:])(gzip.compress(bytes(range(256)) * 50)),
            r"broken\.csv\.gz: not readable",
        ),
        # another kind of file under this name
        ("html.xlsx", b"<html>please log in</html>", r"html\.xlsx: it is a page of HTML"),
        ("html.csv.gz", b"<html>please log in</html>", r"html\.csv\.gz: it is a page of HTML"),
        ("html.parquet", b"<html>please log in</html>", r"html\.parquet: it is a page of HTML"),
        # a line with more values than there are columns
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", r"ragged\.csv: "),
        # an ending that says nothing
        ("lines.txt", b"a", r"lines\.txt: column InvoiceNo or Invoice is missing"),
        ("lines.gz", b"a", r"lines\.gz: column InvoiceNo or Invoice is missing"),
    ],
)
def test_an_unreadable_file_is_refused_in_one_line(shop_db, tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=says) as refused:
        land(shop_db, tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("check", [files.check, lambda source, data: files.land(None, source, data, silent)])
def test_a_file_that_is_not_there_is_named(check, tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.csv: no such file \(DATA= names the file"):
        check(SOURCE, str(tmp_path / "nowhere.csv"))
    with pytest.raises(SourceError, match=r"no such file"):
        check(SOURCE, str(tmp_path))
    for nothing in (None, ""):
        with pytest.raises(
            SourceError, match=r"source 'online_retail' is read from a file: name it with DATA="
        ):
            check(SOURCE, nothing)


def test_a_header_without_lines_is_an_empty_shop(shop_db, tmp_path):
    landed = land(shop_db, write_csv(tmp_path / "lines.csv", frame([])))
    assert (landed.rows, landed.last_day) == (0, None)
    assert lines(shop_db) == []


# ------------------------------------------------------------------------------------------ once only


def test_the_same_file_is_not_loaded_again(shop_db, tmp_path):
    first = land(shop_db, write_csv(tmp_path / "lines.csv", frame()))
    (tmp_path / "copy.csv").write_bytes((tmp_path / "lines.csv").read_bytes())
    said, progress = progress_list()
    assert files.land(shop_db, SOURCE, str(tmp_path / "copy.csv"), progress) == first
    assert said == []


def test_a_changed_file_takes_the_place_of_the_old_one(shop_db, tmp_path):
    first = land(shop_db, write_csv(tmp_path / "lines.csv", frame()))
    second = land(shop_db, write_csv(tmp_path / "lines.csv", frame(ROWS[:1])))
    assert second.version != first.version
    assert lines(shop_db) == LOADED[:1]
    with shop_db.connect() as conn:
        known = db.rows(
            conn, "select source, file_name, version, rows, last_day, said, lacks from files.landed"
        )
    assert known == [
        {"source": SOURCE, "file_name": "lines.csv", **vars(second)},
    ]


def test_a_refused_file_leaves_the_old_one_in_place(shop_db, tmp_path):
    good = land(shop_db, write_csv(tmp_path / "lines.csv", frame()))
    bad = write_csv(tmp_path / "bad.csv", dated("2010-12-01", "2010-12-02", "soon"))
    with pytest.raises(SourceError):
        land(shop_db, bad)
    assert lines(shop_db) == LOADED
    assert land(shop_db, tmp_path / "lines.csv") == good


def test_a_live_shop_has_no_file():
    assert files.spec_of("demo") is None
    assert files.land(None, "demo", None, silent) is None
    files.check("demo", None)


def test_long_files_show_progress(shop_db, tmp_path):
    said, progress = progress_list()
    files.land(shop_db, SOURCE, str(write_csv(tmp_path / "lines.csv", frame())), progress)
    assert said == ["load lines.csv: 2 rows"]


# ------------------------------------------------------------------------------------------ one reader


WAYS = {
    "semicolons and decimal commas": ("", ";", "2", "1.234,50", "utf-8"),
    "tabs below a title": ("Sales\n\n", "\t", "2", "1,234.50", "utf-8"),
    "bars, units and signs": ("", "|", "2 pcs", "£1,234.50", "utf-16"),
}


@pytest.mark.parametrize("way", WAYS)
def test_files_are_written_in_as_many_ways_as_files_of_transactions(shop_db, tmp_path, way):
    title, mark, pieces, price, encoding = WAYS[way]
    rows = [[str(n), "1", "TEA", pieces, f"0{n}.12.2010 8:26", price, "7", "UK"] for n in (1, 2, 3)]
    path = tmp_path / "lines"
    path.write_text(title + "\n".join(map(mark.join, [COLUMNS, *rows])) + "\n", encoding=encoding)
    landed = land(shop_db, path)
    assert lines(shop_db) == [
        (n, str(n), "1", "TEA", "2", f"2010-12-0{n} 08:26:00", "1234.5", "7", "UK") for n in (1, 2, 3)
    ]
    assert any("dates are day, month, year" in words for words in landed.said)


def test_night_shows_what_was_found_out_before_it_goes_on(shop_db, tmp_path):
    shown: list[str] = []
    path = write_csv(tmp_path / "lines.csv", dated("1/12/2010 8:26", "13/12/2010 8:26"))
    files.land(shop_db, SOURCE, str(path), silent, show=shown.append)
    assert len(shown) == 1
    assert "'InvoiceDate': dates are day, month, year" in shown[0]


def test_numbers_that_are_none_stay_as_they_are_for_the_gate(shop_db, tmp_path):
    rows = [
        [*ROWS[0][:3], quantity, ROWS[0][4], price, *ROWS[0][6:]]
        for quantity, price in (("six", "2.55"), ("6", "on request"), ("6", "free"))
    ]
    land(shop_db, write_csv(tmp_path / "lines.csv", frame(rows)))
    assert [(row[4], row[6]) for row in lines(shop_db)] == [("six", "2.55"), ("6", "on request"), ("6", "0")]


def test_a_hidden_sheet_is_left_out_and_said():
    if not (hidden := SHARED_DATA.parent / "cases" / "files" / "hidden-sheet.xlsx").exists():
        pytest.skip(f"there is no {hidden}")
    spec = FileSpec(
        table="sales",
        columns={name: {"names": [name]} for name in ("customer", "date", "amount")},
    )
    found = columns.read(spec, hidden, Settings(), silent)
    assert found.content.rows == 61  # with the sum below
    assert "left out, for it is hidden: sheet 'old'" in found.notes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>please log in</html>", "a page of HTML, whatever its ending says"),
        (b'{"InvoiceNo": 1}\n{"InvoiceNo": 2}\n', "JSON lines"),
        (",".join(COLUMNS).encode() + b"\n1,1,TEA,2,2010-12-01,2,50,7,UK\n", "9 values|cannot be read"),
    ],
)
def test_refusals_are_those_of_files_of_transactions(shop_db, tmp_path, content, says):
    path = tmp_path / "lines.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        land(shop_db, path)
