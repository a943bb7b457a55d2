"""Settings: what is wrong is named, all of it, and the environment wins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from segmentation import settings
from segmentation.errors import SettingsError
from segmentation.settings import Settings

Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch, tmp_path) -> Load:
    """Loads a settings file with this content, under these variables."""
    for name in list(settings.os.environ):
        if name.startswith("SEGMENTATION"):
            monkeypatch.delenv(name)
    file = tmp_path / "settings.yaml"

    def loaded(content: str | bytes | None = "", **variables: str) -> Settings:
        if content is not None:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        for name, value in {"SEGMENTATION_SETTINGS": str(file), **variables}.items():
            monkeypatch.setenv(name, value)
        settings.load.cache_clear()
        return settings.load()

    yield loaded
    settings.load.cache_clear()


def test_the_settings_of_the_repository_are_good(monkeypatch):
    monkeypatch.delenv("SEGMENTATION_SETTINGS", raising=False)
    assert settings.settings_file() == settings.INCLUDE / "config" / "settings.yaml"
    settings.load.cache_clear()
    assert settings.load().shop.source
    settings.load.cache_clear()


def test_every_fault_is_listed_with_its_name(load):
    content = """
        shop: {timezone: Mars/Olympus, nam: x, demo_customers: 0}
        extract: {lookback_days: many}
        quality: {warn_duplicate_share: 1.5}
        model: {k_min: 1}
        nonsense: 1
        2: 3
    """
    with pytest.raises(SettingsError) as refused:
        load(content)
    assert sorted(str(refused.value).splitlines()) == [
        "settings.yaml: 2: there is no such setting",
        "settings.yaml: extract.lookback_days: Input should be a valid integer, unable to parse string as an "
        "integer (found 'many')",
        "settings.yaml: model.k_min: Input should be greater than or equal to 2 (found 1)",
        "settings.yaml: nonsense: there is no such setting",
        "settings.yaml: quality.warn_duplicate_share: Input should be less than or equal to 1 (found 1.5)",
        "settings.yaml: shop.demo_customers: Input should be greater than or equal to 1 (found 0)",
        "settings.yaml: shop.nam: there is no such setting",
        "settings.yaml: shop.timezone: 'Mars/Olympus' is not a time zone (write it as Europe/London) "
        "(found 'Mars/Olympus')",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        # a threshold that contradicts another one
        ("quality: {warn_quarantined_share: 0.4}", "warn_quarantined_share must not be above"),
        ("quality: {min_segment_share: 0.5, max_segment_share: 0.5}", "min_segment_share must be below"),
        ("quality: {max_psi: 0.05}", "max_psi must not be below warn_psi"),
        ("quality: {rule_shares: {price_low: {warn: 0.1}}}", "'price_low' is no row rule"),
        ("quality: {rule_shares: {price_negative: {warn: 0.2, stop: 0.1}}}", "stop must not be below warn"),
        ("lifecycle: {cooling_recency_days: 180}", "cooling_recency_days must be below lapsed_recency_days"),
        ("model: {k_min: 9, k_max: 3}", "k_min"),
        ("preparation: {clip_lower: 0.9, clip_upper: 0.1}", "clip_lower must be below clip_upper"),
        # names that would become folders and database names
        ("shop: {name: ../elsewhere}", "shop.name"),
        ("shop: {source: a-b}", "shop.source"),
        ("shop: {timezone: ../etc}", "is not a time zone"),
        # no section, but a value
        ("shop: 5", "settings.yaml: shop: Input should be a valid dictionary"),
    ],
)
def test_what_cannot_be_is_refused(load, content, says):
    with pytest.raises(SettingsError, match=says):
        load(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("shop: [", r"settings\.yaml: not readable as YAML: while parsing"),
        (b"\xff\xfe\x00", r"settings\.yaml: not readable as YAML: 'utf-8' codec"),
        ("- shop", r"settings\.yaml: expected sections such as 'shop:', found list"),
        ("shop", r"settings\.yaml: expected sections such as 'shop:', found str"),
        (None, r"settings\.yaml: no such settings file \(SEGMENTATION_SETTINGS names it\)"),
    ],
)
def test_an_unreadable_file_is_named_in_one_line(load, content, says):
    with pytest.raises(SettingsError, match=says) as refused:
        load(content)
    assert "\n" not in str(refused.value)


def test_an_empty_file_means_the_defaults(load):
    assert load("# nothing yet\n").model_dump() == Settings().model_dump()


def test_the_environment_wins_over_the_file(load):
    loaded = load(
        "shop: {timezone: Europe/Paris, name: tiny}\nextract: {lookback_days: 3}",
        SEGMENTATION__SHOP__TIMEZONE="Asia/Shanghai",
        SEGMENTATION__QUALITY__EVENT_TYPES='["view"]',
    )
    assert loaded.tz.key == loaded.shop.timezone == "Asia/Shanghai"
    assert loaded.shop.name == "tiny"
    assert loaded.extract.lookback_days == 3
    assert loaded.quality.event_types == ("view",)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        # misspelt: the setting, the section
        ("SEGMENTATION__SHOP__TIMEZON", "Asia/Shanghai", "there is no such setting"),
        ("SEGMENTATION__SHOPS__TIMEZONE", "Asia/Shanghai", "there is no such setting"),
        # not a number; not a list
        ("SEGMENTATION__EXTRACT__LOOKBACK_DAYS", "many", "Input should be a valid integer"),
        ("SEGMENTATION__QUALITY__ORDER_STATUSES", "new,paid", "cannot be read"),
        ("SEGMENTATION__SHOP", "demo", "cannot be read"),
    ],
)
def test_a_wrong_variable_is_named(load, variable, value, says):
    with pytest.raises(SettingsError) as refused:
        load("", **{variable: value})
    assert str(refused.value).startswith(f"{variable}: ")
    assert says in str(refused.value)


def test_the_hash_changes_with_what_shapes_the_segments_only(load):
    plain = load("").hash()
    assert len(plain) == 12
    assert load("run: {retries: 0, lease_minutes: 5}\nshop: {data: other.csv}").hash() == plain
    for content in (
        "model: {seed: 1}",
        "shop: {timezone: Asia/Shanghai}",
        "preparation: {default_group_weight: 2}",
        "cleaning: {max_line_amount: 5}",
        "lifecycle: {new_tenure_days: 5}",
    ):
        assert load(content).hash() != plain, content


def test_settings_cannot_be_changed_by_a_stage(load):
    loaded = load("")
    with pytest.raises(ValueError, match="frozen"):
        loaded.shop.name = "other"


def test_the_file_is_read_once(load, tmp_path):
    loaded = load("shop: {name: one}")
    Path(tmp_path / "settings.yaml").write_text("shop: {name: two}")
    assert settings.load() is loaded


@pytest.mark.parametrize(
    ("content", "variables", "name", "value", "old"),
    [
        # in the file; in the environment
        (
            "model: {weights: {neighbours_together: 3}}",
            {},
            "weights",
            {"neighbour_purity": 3},
            "neighbours_together",
        ),
        ("model: {judged_rows: 500}", {}, "evaluation_rows", 500, "judged_rows"),
        ("", {"SEGMENTATION__MODEL__JUDGED_ROWS": "500"}, "evaluation_rows", 500, "judged_rows"),
        ("model: {representations: [all, outlook]}", {}, "representations", ("all", "forecast"), "outlook"),
        (
            "",
            {"SEGMENTATION__MODEL__REPRESENTATIONS": '["rfm_outlook"]'},
            "representations",
            ("rfm_forecast",),
            "rfm_outlook",
        ),
    ],
)
def test_an_old_name_is_accepted_for_a_release_and_named(load, caplog, content, variables, name, value, old):
    assert getattr(load(content, **variables).model, name) == value
    (warning,) = caplog.messages
    assert warning.startswith(f"settings: {old} is now called ")


def test_a_group_of_features_under_its_old_name_is_accepted_for_a_release_and_named(load, caplog):
    weights = load("preparation: {group_weights: {rfm: 3, rhythm: 2}}").preparation.group_weights
    assert weights == {"rfm": 3, "order_gaps": 2}
    (warning,) = caplog.messages
    assert warning.startswith("settings: rhythm is now called order_gaps")
    with pytest.raises(SettingsError, match="rhythm is the old name of order_gaps"):
        load("preparation: {group_weights: {order_gaps: 3, rhythm: 2}}")


def test_a_weight_of_a_group_that_no_feature_has_is_refused_with_the_nearest_name(load):
    content = """
        preparation: {group_weights: {rmf: 3, basket: 2, colours: 1, discounts: 0}, clip_lower: -1}
        model: {k_min: 1}
    """
    with pytest.raises(SettingsError) as refused:
        load(content)
    faults = sorted(line.split(" (")[0] for line in str(refused.value).splitlines())
    assert faults == [
        "settings.yaml: model.k_min: Input should be greater than or equal to 2",
        "settings.yaml: preparation.clip_lower: Input should be greater than or equal to 0",
        "settings.yaml: preparation.group_weights: there is no group of features 'rmf'; is rfm meant?; there is no "
        "group of features 'colours'; there is no group of features 'discounts'; is discount meant?",
    ]
    assert "(groups: rfm, trend, order_gaps, basket, product, " in str(refused.value)


def test_a_misspelt_group_in_a_variable_is_refused_by_the_name_of_the_variable(load):
    name = "SEGMENTATION__PREPARATION__GROUP_WEIGHTS"
    with pytest.raises(
        SettingsError, match=f"^{name}: there is no group of features 'trends'; is trend meant"
    ):
        load("", **{name: '{"trends": 2}'})


def test_a_setting_under_both_its_names_is_refused(load):
    with pytest.raises(SettingsError, match="judged_rows is the old name of evaluation_rows"):
        load("model: {judged_rows: 500}", SEGMENTATION__MODEL__EVALUATION_ROWS="600")
