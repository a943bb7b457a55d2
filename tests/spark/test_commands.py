"""What is said before Spark begins: to whoever types a command, and to whoever has changed a feature."""

import pytest

from segmentation import cli
from segmentation.errors import SettingsError
from segmentation.features import dictionary
from segmentation.spark import features


def test_what_is_no_date_is_refused_in_a_line(capsys, tmp_path):
    assert cli.main(["spark", "run", str(tmp_path), "yesterday", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: AS_OF: 'yesterday' is no date such as 2011-12-01\n"


def test_without_java_nothing_is_begun(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert cli.main(["spark", "run", str(tmp_path), "2011-12-01", str(tmp_path / "out")]) == 2
    assert "error: Spark needs Java 17: JAVA_HOME names" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_feature_that_was_changed_since_is_refused():
    """Its expression would be computed as it was."""
    changed = dictionary.dictionary()[0].model_copy(update={"expression": "orders + 1"})
    with pytest.raises(
        SettingsError, match=r"feature recency_days: include/spark_sql has another expression, or none"
    ):
        features.expression(changed)


def test_a_feature_is_as_it_was_written():
    first = dictionary.dictionary()[0]
    assert features.expression(first) == "CAST((CAST(days_since_last_order AS DOUBLE)) AS DOUBLE)"
