"""Messages before Spark begins: to whoever types a command, and to whoever has changed a feature."""

import sys

import pytest

from segmentation import cli, settings
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


def test_the_java_of_spark_is_named(capsys, monkeypatch, tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert cli.main(["spark", "java"]) == 0
    assert capsys.readouterr().out == f"Java for Spark: {tmp_path}\n"


@pytest.mark.parametrize(
    ("has_java", "says"),
    [
        (False, "Spark needs Java 17: JAVA_HOME names"),
        (True, "pyspark is not installed: install requirements-spark.txt"),
    ],
)
def test_an_engine_that_cannot_run_is_refused_when_the_settings_are_loaded(
    monkeypatch, tmp_path, has_java, says
):
    java = tmp_path / "bin" / "java"
    if has_java:
        java.parent.mkdir()
        java.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
        java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setenv("SEGMENTATION__ENGINE", "spark")
    settings.load.cache_clear()
    with pytest.raises(SettingsError, match=f"SEGMENTATION__ENGINE: {says}"):
        settings.load()
