"""Ten nights with planted segments, through the real tables: ids, events, days, flows tell that story.

Told twice: with the planted segments as clusters, and with clusters that a search finds anew each night.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from segmentation.modelling.choose import choose
from segmentation.modelling.scores import table
from segmentation.modelling.search import fit_algorithm
from segmentation.modelling.settings import ModelSettings
from segmentation.publishing import publish as publishing
from segmentation.warehouse.db import Database
from tests.publishing.test_publish import FIRST, PUBLIC, SECOND, SPEND, THIRD, THREE, Publisher, chosen, shop
from tests.small_shop import contents, silent

__all__ = ["shop"]  # the fixture

NIGHTS = [date(2024, 3, 1) + timedelta(days=n) for n in range(10)]
SPLIT_ON, DEAD_ON = NIGHTS[4], NIGHTS[8]
STEADY, GROWING, SPLITTING, DYING = 1, 2, 3, 4  # in the order of their revenue
TABLES = [*PUBLIC, "segments.segment_events"]


def planted(night: int) -> dict[str, int]:
    """Everybody's segment: one grows, one dies into the steady one, one splits; under other numbers a night.

    Of the 20 that die, two and a half a night move over; the last five together.
    """
    segments = {f"s{i:02}": STEADY for i in range(60)}
    segments |= {f"g{i:02}": GROWING for i in range(40 + 3 * night)}
    half = 9 if NIGHTS[night] >= SPLIT_ON else SPLITTING
    segments |= {f"p{i:02}": half if i >= 18 else SPLITTING for i in range(30)}
    moved = 20 if NIGHTS[night] >= DEAD_ON else 2 * night
    segments |= {f"x{i:02}": STEADY if i < moved else DYING for i in range(20)}
    numbers = sorted(set(segments.values()))
    turned = numbers[night % len(numbers) :] + numbers[: night % len(numbers)]
    renamed = dict(zip(numbers, turned, strict=True))
    return {customer: renamed[segment] for customer, segment in segments.items()}


def spend(clusters: dict[str, int]) -> dict[str, float]:
    worth = {"s": 100.0, "g": 50.0, "p": 20.0, "x": 5.0}
    return {customer: worth[customer[0]] for customer in clusters}


# where a kind of customer is; who splits off goes to a place of their own, who dies to the steady ones
PLACES = {"s": (0, 0), "g": (10, 0), "p": (0, 10), "x": (-18, -18)}
SPLIT_OFF = (5, 16)
SEARCH = ModelSettings(algorithms=("kmeans",), trials=6, k_max=7, stability_draws=4, min_segment_share=0.01)


def clustered(night: int) -> dict[str, int]:
    """Search and choose for customers who stand around the place of their kind."""
    random, rows = np.random.default_rng(5), {}
    for customer in planted(night):
        kind, number = customer[0], int(customer[1:])
        place = PLACES[kind]
        if kind == "p" and number >= 18 and NIGHTS[night] >= SPLIT_ON:
            place = SPLIT_OFF
        if kind == "x" and (number < 2 * night or NIGHTS[night] >= DEAD_ON):
            place = PLACES["s"]
        rows[customer] = np.add(place, random.normal(scale=0.5, size=2))
    matrix = pd.DataFrame.from_dict(rows, orient="index", columns=["across", "up"])
    found = fit_algorithm("kmeans", matrix, SEARCH)
    judged = table.score(found, matrix, SEARCH, progress=silent)
    choice = choose(found, judged, SEARCH, n_customers=len(matrix))
    return dict(zip(rows, choice.winner.labels.tolist(), strict=True))


Clusters = Callable[[int], dict[str, int]]


class Story(Publisher):
    """The ten nights; `clusters` says who belongs together on one of them."""

    clusters: Clusters

    def tell(self, night: int) -> None:
        clusters = self.clusters(night)
        self.publish(NIGHTS[night], clusters, spend(clusters))


@pytest.fixture(scope="module")
def told(new_database, migrated, drop_database, tmp_path_factory) -> Iterator[Callable[[Clusters], Story]]:
    """The story of each kind of clusters, told once, in whatever order the tests ask for it."""
    stories: dict[Clusters, Story] = {}
    databases: list[Database] = []

    def tell(clusters: Clusters) -> Story:
        if clusters not in stories:
            databases.append(new_database(migrated))
            story = stories[clusters] = Story(databases[-1], tmp_path_factory.mktemp("story"))
            story.clusters = clusters
            for night in range(len(NIGHTS)):
                story.tell(night)
        return stories[clusters]

    yield tell
    for database in databases:
        drop_database(database)


@pytest.fixture(params=[planted, clustered])
def story(request, told) -> Story:
    return told(request.param)


def test_ten_nights_tell_the_planted_story_and_nothing_else(story):
    told = story.see(
        "select as_of_date, segment_id, event, parents, successors from segments.segment_events "
        "where event <> 'survive' order by as_of_date, segment_id"
    )
    assert told == [
        *[(NIGHTS[0], s, "appear", [], []) for s in (STEADY, GROWING, SPLITTING, DYING)],
        (SPLIT_ON, SPLITTING, "split", [SPLITTING], [SPLITTING, 5]),
        (SPLIT_ON, 5, "split", [SPLITTING], []),
        (DEAD_ON, DYING, "vanish", [DYING], [STEADY]),
    ]
    assert story.see("select count(*) from segments.segment_events where event = 'survive'") == [
        (3 * 4 + 3 + 3 * 5 + 4 + 4,)
    ]


def test_sizes_grow_and_die_as_planted(story):
    def sizes(segment: int) -> list[int]:
        query = "select customers from segments.segment_versions where segment_id = %(s)s order by as_of_date"
        return [row[0] for row in story.see(query, s=segment)]

    assert sizes(GROWING) == [40 + 3 * n for n in range(10)]
    assert sizes(DYING) == [20 - 2 * n for n in range(8)]
    assert sizes(SPLITTING) == [30] * 4 + [18] * 6
    assert sizes(5) == [12] * 6


def test_the_register_says_how_each_segment_came_and_ended(story):
    query = (
        "select segment_id, status, origin, parents, first_seen, last_seen, ended_on, successors "
        "from segments.segments order by 1"
    )
    active = ("active", "appear", [], NIGHTS[0], NIGHTS[9], None, [])
    assert story.see(query) == [
        (STEADY, *active),
        (GROWING, *active),
        (SPLITTING, *active),
        (DYING, "vanished", "appear", [], NIGHTS[0], NIGHTS[7], DEAD_ON, [STEADY]),
        (5, "active", "split", [SPLITTING], SPLIT_ON, NIGHTS[9], None, []),
    ]


def test_days_in_segment_count_from_the_date_a_customer_came(story):
    query = (
        "select customer_id, days_in_segment from segments.current_customer_segments "
        "where customer_id in ('s00', 'g40', 'p00', 'p29', 'x00', 'x02', 'x19') order by 1"
    )
    assert story.see(query) == [
        ("g40", 8),  # came on the second night
        ("p00", 9),
        ("p29", 5),  # in the part that has a new id since the fifth night
        ("s00", 9),
        ("x00", 8),
        ("x02", 7),
        ("x19", 1),
    ]


def test_flows_are_the_sums_of_the_nights(story):
    query = (
        "select segment_id, entries, moved_in, moved_out, lapsed, gone, net_customers, net_revenue_365d "
        "from segments.segment_flows where as_of_date = %(d)s and window_days = %(w)s order by 1"
    )
    assert story.see(query, d=NIGHTS[9], w=30) == [
        (STEADY, 0, 20, 0, 0, 0, 20, 100),
        (GROWING, 27, 0, 0, 0, 0, 27, 27 * 50),
        (SPLITTING, 0, 0, 12, 0, 0, -12, -240),
        (DYING, 0, 0, 20, 0, 0, -20, -100),
        (5, 0, 12, 0, 0, 0, 12, 240),
    ]
    assert story.see(query, d=NIGHTS[9], w=7)[1] == (GROWING, 21, 0, 0, 0, 0, 21, 21 * 50)
    # the split is five days ago, the last but one of the dying moved eight days ago
    assert [row[0] for row in story.see(query, d=NIGHTS[9], w=7)] == [1, 2, 3, 4, 5]
    sizes = dict(
        story.see(
            "select segment_id, customers from segments.segment_versions where as_of_date = %(d)s",
            d=NIGHTS[9],
        )
    )
    earlier = dict(
        story.see(
            "select segment_id, customers from segments.segment_versions where as_of_date = %(d)s",
            d=NIGHTS[2],
        )
    )
    for row in story.see(query, d=NIGHTS[9], w=7):
        assert row[6] == sizes.get(row[0], 0) - earlier.get(row[0], 0)


def test_who_lapses_is_told_from_who_moves_and_from_who_is_gone(shop):
    """Segment 1 is active, 2 cools, 3 has lapsed; ten customers each."""
    stages = {1: "active", 2: "cooling", 3: "lapsed"}
    first = {f"{letter}{n}": kind for kind, letter in enumerate("abc", start=1) for n in range(10)}
    worth = {customer: 40.0 - 10 * kind for customer, kind in first.items()}

    def publish(day: date, clusters: dict[str, int], lifecycles: dict[int, str]) -> None:
        night = shop.night(day)
        shop.stage(night, clusters, worth)
        told = chosen(clusters, worth)
        segments = tuple(replace(s, lifecycle=lifecycles[s.cluster]) for s in told.segments)
        publishing.publish(night, replace(told, segments=segments), silent)

    publish(FIRST, first, stages)
    # a0 and b0 stop buying; b1 buys more, c0 has come back; c1 is there no more
    second = {**first, "a0": 3, "b0": 3, "b1": 1, "c0": 1}
    del second["c1"]
    publish(SECOND, second, stages)
    # all of segment 2 lapse together: nobody has left a segment, and the segment says what it is now
    publish(THIRD, second, {**stages, 2: "lapsed"})
    query = (
        "select segment_id, moved_in, moved_out, lapsed, gone, net_customers, net_revenue_365d "
        "from segments.segment_flows where as_of_date = %(d)s and window_days = 7 order by 1"
    )
    for day in (SECOND, THIRD):
        assert shop.see(query, d=day) == [
            (1, 2, 0, 1, 0, 1, 20 + 10 - 30),
            (2, 0, 1, 1, 0, -2, -40),
            (3, 2, 1, 0, 1, 0, 30 + 20 - 10 - 10),
        ]


def test_a_night_in_the_middle_run_again_gives_the_same_rows(story):
    before = contents(story.warehouse, TABLES, without="run_id")
    for night in (4, 8):
        story.tell(night)
        assert contents(story.warehouse, TABLES, without="run_id") == before


# --- a date that is run again, and a backfill in between -------------------------------------------------


def test_an_id_is_not_given_to_something_else_when_its_date_is_run_again(shop):
    shop.publish(FIRST, THREE)
    split = {**THREE, "c": 3, "d": 3}
    shop.publish(SECOND, split)
    assert shop.ids(SECOND)["c"] == 4
    shop.publish(THIRD, split)  # goes on, under the same id
    other = {**THREE, "k": 3, "l": 3}  # late facts: it is another segment that splits
    shop.publish(SECOND, other)
    assert shop.ids(SECOND)["k"] == 5
    assert shop.ids(THIRD)["c"] == 4
    # as it was before: the same ids as before, whatever was published in between
    shop.publish(SECOND, split)
    assert shop.ids(SECOND)["c"] == 4
    shop.publish(SECOND, other)
    assert shop.ids(SECOND)["k"] == 5


def test_a_date_keeps_its_ids_for_itself_while_only_a_later_date_has_them(shop):
    shop.publish(FIRST, THREE)
    shop.publish(SECOND, {**THREE, "c": 3, "d": 3})
    shop.publish(THIRD, {**THREE, "c": 3, "d": 3})
    shop.publish(SECOND, THREE)  # no split any more; the third date, which is stale, still has segment 4
    assert shop.see("select given_on, first_seen from segments.segments where segment_id = 4") == [
        (SECOND, THIRD)
    ]
    shop.publish(THIRD, {**THREE, "k": 3, "l": 3})  # its own new segment is not segment 4
    assert shop.ids(THIRD)["k"] == 5


def test_a_backfill_in_between_is_matched_to_the_date_before_and_to_no_later_one(shop):
    shop.publish(FIRST, THREE)
    split = {**THREE, "c": 3, "d": 3}
    shop.publish(THIRD, split)
    assert shop.ids(THIRD)["c"] == 4
    shop.publish(SECOND, split)
    assert shop.ids(SECOND)["c"] == 5  # what a later date has given is not for it
    assert shop.see("select parent_as_of_date from segments.runs where as_of_date = %(d)s", d=THIRD) == [
        (FIRST,)
    ]
    # the third date is stale now; run again it goes on from the second
    shop.publish(THIRD, split)
    assert shop.ids(THIRD) == shop.ids(SECOND)
    assert shop.see("select status, ended_on, last_seen from segments.segments where segment_id = 4") == [
        ("vanished", THIRD, THIRD)
    ]


def test_an_exact_tie_is_not_decided_by_the_number_of_a_cluster(shop):
    even = dict.fromkeys(SPEND, 10.0)
    shop.publish(FIRST, dict.fromkeys(THREE, 0), even)
    halves = {c: n % 2 for n, c in enumerate(THREE)}
    shop.publish(SECOND, halves, even)
    once = shop.ids(SECOND)
    shop.publish(SECOND, {c: 1 - n for c, n in halves.items()}, even)
    assert shop.ids(SECOND) == once
