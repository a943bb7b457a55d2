"""A sum of `real` is `real`: six digits, and fewer that are right the more customers are added."""

import re
from pathlib import Path

INCLUDE = Path(__file__).parents[2] / "include"
REAL = """
select distinct a.attname
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where a.atttypid = 'real'::regtype and not a.attisdropped and n.nspname in ('core', 'features', 'segments')
order by a.attname
"""


def test_columns_of_six_digits_are_summed_as_doubles(warehouse):
    with warehouse.cursor() as cursor:
        cursor.execute(REAL)
        columns = [name for (name,) in cursor.fetchall()]
    assert "buy_probability" in columns
    summed = re.compile(rf"\bsum\((\w+\.)?({'|'.join(columns)})\)")
    files = [*INCLUDE.rglob("*.sql"), *INCLUDE.rglob("*.py")]
    assert [f"{file.relative_to(INCLUDE)}" for file in files if summed.search(file.read_text())] == []
