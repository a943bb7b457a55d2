import pytest

from segmentation.quality.figures import in_words, range_in_words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.145, "share", "14.5 %"),
        (0.0, "share", "0.0 %"),
        (1.0, "share", "100.0 %"),
        (0.00004, "share", "0.004 %"),  # not 0 %: somebody is hit
        (0.99996, "share", "99.996 %"),
        (1234, "count", "1,234"),
        (1, "days", "1 day"),
        (3, "days", "3 days"),
        (0.3149, "index", "0.31"),
        (123456, "money", "1,234.56"),
        (None, "share", "unknown"),
    ],
)
def test_figures_in_words(value, unit, words):
    assert in_words(value, unit) == words


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [
        (0.5, None, "at least 50.0 %"),
        (None, 0.3, "at most 30.0 %"),
        (0.1, 0.2, "10.0 % to 20.0 %"),
        (None, 0, "0.0 %"),
    ],
)
def test_ranges_in_words(least, most, words):
    assert range_in_words(least, most, "share") == words
