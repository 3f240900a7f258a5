"""What happened after a time: which flares count, and what may be said of their CMEs."""

from dataclasses import replace

import pytest
from astropy import units as u
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from hnn_core.exceptions import DatasetError
from hnn_core.regions.base import Cme, Flare, FlareLookup, Region
from hnn_core.regions.labels import NEGATIVE, NO_LABEL, POSITIVE, label_frames
from hnn_core.regions.outcome import OUTCOME_WORDS, cme_words, what_happened
from hnn_core.sources.simulated import SimulatedSource

TIME = Time("2011-02-15T01:00:00", scale="tai")
PEAK = Time("2011-02-15T01:56:00", scale="utc")
UNLINKED = "no CME linked in DONKI"


LOOKUP = FlareLookup("flares.csv", TIME - 30 * u.day, TIME + 30 * u.day, "C1.0")


def region(*flares, simulated=False, lookups=(LOOKUP,)):
    return Region("377", 377, (11158,), TIME, TIME, 1, flares, simulated, lookups)


def flare(hours=1.0, goes_class="M2.0", association="eruptive", **more):
    return Flare((TIME + hours * u.h).utc, goes_class, association, **more)


def cme(speed=float("nan")):
    return Cme("2011-02-15T02:25:00-CME-001", PEAK, speed)


def word(*flares, flare_class="M", simulated=False):
    return what_happened(region(*flares, simulated=simulated), TIME, flare_class).word


# Which word


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize(
    ("association", "said"),
    [
        ("eruptive", "eruptive"),
        ("confined", "confined"),
        ("unlinked", UNLINKED),
        ("unknown", "unknown"),
    ],
)
def test_one_flare_gives_its_own_word(association, said, simulated):
    assert word(flare(association=association), simulated=simulated) == said


@pytest.mark.parametrize(
    ("associations", "said"),
    [
        (("confined", "eruptive"), "eruptive"),
        (("unknown", "unlinked", "eruptive", "confined"), "eruptive"),
        (("confined", "unknown"), "unknown"),
        (("unlinked", "unknown"), "unknown"),
        (("confined", "unlinked"), UNLINKED),
        (("confined", "confined"), "confined"),
    ],
)
def test_of_several_flares_the_doubtful_one_decides_where_none_erupted(associations, said):
    flares = [flare(i + 1.0, association=kind) for i, kind in enumerate(associations)]
    assert word(*flares) == word(*reversed(flares)) == said


KINDS = st.sampled_from(["eruptive", "unlinked", "confined", "unknown"])


@given(
    flares=st.lists(
        st.tuples(st.integers(-3, 27), st.sampled_from(["C9.9", "M1.0", "X2.2"]), KINDS), max_size=5
    )
)
def test_the_word_never_says_more_than_the_strict_label(flares):
    made = [flare(*one) for one in flares]
    found = what_happened(region(*made), TIME, "M")
    (label,) = label_frames(Time([TIME.utc.isot], scale="utc"), tuple(made), "M", policy="strict")
    assert found.word in OUTCOME_WORDS
    assert (found.word == "eruptive") == (label == POSITIVE)
    if found.word == "confined":
        assert label == NEGATIVE
        assert {one.association for one in found.flares} == {"confined"}
    if found.word in (UNLINKED, "no flare"):
        assert label == NO_LABEL or "confined" in {one.association for one in found.flares}
    peaks = [one.peak for one in found.flares]
    assert peaks == sorted(peaks)
    assert found.sentence.endswith(".")


# Which flares


@pytest.mark.parametrize(
    ("hours", "counts"),
    [(0.0, False), (1e-3 / 3600, True), (24.0, True), (24.0 + 2e-3 / 3600, False), (-1.0, False)],
)
def test_the_day_after_begins_behind_the_time_and_ends_with_its_24th_hour(hours, counts):
    assert (word(flare(hours)) == "eruptive") is counts


def test_the_times_are_tai_and_the_peaks_utc():
    # 01:00:00 TAI is 00:59:26 UTC in 2011.
    before, after = (Flare(Time(f"2011-02-15T00:59:{s}"), "M2.0", "eruptive") for s in ("26", "27"))
    assert (word(before), word(after)) == ("no flare", "eruptive")
    last, late = (Flare(Time(f"2011-02-16T00:59:{s}"), "M2.0", "eruptive") for s in ("26", "27"))
    assert (word(last), word(late)) == ("eruptive", "no flare")


def test_only_flares_of_the_class_count():
    flares = [
        flare(1, "C9.9", "eruptive"),
        flare(2, "M4.9", "confined"),
        flare(3, "M5.0", "unknown"),
    ]
    assert word(*flares, flare_class="C") == "eruptive"
    assert word(*flares, flare_class="M") == "unknown"
    assert word(*flares[:2], flare_class="M") == "confined"
    assert word(*flares, flare_class="M5.0") == "unknown"
    assert word(*flares[:2], flare_class="M5.0") == "no flare"
    assert word(flare(1, "X1.0", "confined"), flare_class="M5.0") == "confined"


def test_a_class_on_the_other_scale_is_converted():
    # M1.2 of the true flux was announced as M0.84 by GOES 1 to 15.
    assert word(flare(1, "M1.2", scale="science")) == "no flare"
    assert word(flare(1, "M1.5", scale="science")) == "eruptive"


def test_flares_come_in_time_whatever_their_order_in_the_source():
    late, early = flare(20, "X1.0", "unlinked"), flare(2, "M1.0", "confined")
    found = what_happened(region(late, early), TIME, "M")
    assert found.flares == (early, late)
    assert found.sentence == (
        "M1.0 at 2011-02-15 02:59 UTC (confined), "
        "X1.0 at 2011-02-15 20:59 UTC (no CME linked in DONKI)."
    )


@pytest.mark.parametrize("flare_class", ["M", "≥M", " M "])
def test_without_a_flare_it_says_what_is_known_and_not_that_there_was_none(flare_class):
    for flares in ((), (flare(1, "C1.0"),), (flare(25),)):
        found = what_happened(region(*flares), TIME, flare_class)
        assert (found.word, found.flares) == ("no flare", ())
        assert found.sentence == (
            "No ≥M flare of this region in the 24 h after is in flares.csv (2011-01-16 to "
            "2011-03-17)."
        )
        assert found.words == "no flare in flares.csv (2011-01-16 to 2011-03-17)"


@pytest.mark.parametrize(
    ("lookups", "sentence"),
    [
        ((), "Flares of the 24 h after were not looked up."),
        (
            (replace(LOOKUP, end=TIME + 23.9 * u.h),),
            "Whether a ≥M flare followed in the 24 h after is not known: looked up was only "
            "flares.csv (2011-01-16 to 2011-02-16), from class C1.0 on.",
        ),
        (
            (replace(LOOKUP, start=TIME + 1 * u.s),),
            "Whether a ≥M flare followed in the 24 h after is not known: looked up was only "
            "flares.csv (2011-02-15 to 2011-03-17), from class C1.0 on.",
        ),
        (
            (replace(LOOKUP, minimum_class="X1.0"),),
            "Whether a ≥M flare followed in the 24 h after is not known: looked up was only "
            "flares.csv (2011-01-16 to 2011-03-17), from class X1.0 on.",
        ),
    ],
)
def test_what_was_not_looked_up_is_not_shown_as_none(lookups, sentence):
    found = what_happened(region(flare(25), lookups=lookups), TIME, "M")
    assert (found.word, found.words, found.flares) == ("not looked up", "not looked up", ())
    assert found.sentence == sentence
    assert what_happened(region(flare(1), lookups=lookups), TIME, "M").word == "eruptive"


@pytest.mark.parametrize("flares", [(), (flare(),)])
def test_an_unknown_class_is_refused_whether_there_are_flares_or_not(flares):
    with pytest.raises(DatasetError, match="'Q' is not a flare class"):
        what_happened(region(*flares), TIME, "Q")


@pytest.mark.parametrize(
    ("association", "studied", "word_of_it", "words"),
    [
        ("unknown", "eruptive", "eruptive", "eruptive: Sun 2012"),
        ("unknown", "confined", "confined", "confined: Sun 2012"),
        ("unlinked", "confined", "confined", f"{UNLINKED}; confined: Sun 2012"),
        ("unlinked", "eruptive", "eruptive", f"{UNLINKED}; eruptive: Sun 2012"),
        ("eruptive", "confined", "eruptive", "CME linked; confined: Sun 2012"),
        ("unlinked", "", UNLINKED, f"{UNLINKED}: Sun 2012"),
    ],
)
def test_the_literature_adds_to_what_is_linked_and_is_named(
    association, studied, word_of_it, words
):
    one = flare(association=association, studied=studied, literature="Sun 2012", source="a list")
    found = what_happened(region(one, lookups=()), TIME, "M")
    assert found.word == word_of_it
    assert found.sentence == f"M2.0 at 2011-02-15 01:59 UTC ({words}). Known from a list."


# In which words


@pytest.mark.parametrize(
    ("speeds", "said"),
    [
        ((669.0,), "CME linked, 669 km/s"),
        ((float("nan"),), "CME linked"),
        ((300.4, 668.6), "2 CMEs linked, the fastest 669 km/s"),
        ((float("nan"), 300.0), "2 CMEs linked, the fastest 300 km/s"),
        ((float("nan"), float("nan")), "2 CMEs linked"),
        ((), "CME linked"),
    ],
)
def test_a_linked_cme_is_told_with_its_speed_where_it_is_known(speeds, said):
    one = Flare(PEAK, "X2.2", "eruptive", cmes=tuple(cme(speed) for speed in speeds))
    assert cme_words(one) == said
    assert (
        what_happened(region(one), TIME, "M").sentence == f"X2.2 at 2011-02-15 01:56 UTC ({said})."
    )


@pytest.mark.parametrize(
    ("association", "real", "simulated"),
    [
        ("eruptive", "CME linked", "eruptive"),
        ("confined", "confined", "confined"),
        ("unlinked", UNLINKED, UNLINKED),
        ("unknown", "CME link unknown", "CME link unknown"),
    ],
)
def test_a_cme_is_worded_by_what_its_source_states(association, real, simulated):
    one = flare(association=association)
    assert cme_words(one) == real
    assert cme_words(one, simulated=True) == simulated
    assert f"({simulated})." in what_happened(region(one, simulated=True), TIME, "M").sentence


def test_unlinked_is_never_called_confined():
    for simulated in (False, True):
        found = what_happened(region(flare(association="unlinked"), simulated=simulated), TIME, "M")
        assert "confined" not in found.word + found.sentence


def test_a_peak_is_told_in_utc_even_if_it_is_kept_otherwise():
    one = Flare(Time("2011-02-15T01:56:34", scale="tai"), "X2.2", "eruptive")
    found = what_happened(region(one), TIME, "M")
    assert found.sentence.startswith("X2.2 at 2011-02-15 01:56 UTC (")
    assert what_happened(region(one), TIME.utc, "M") == found


def test_simulated_regions_have_an_eruptive_or_confined_flare_or_none():
    source = SimulatedSource(n_regions=4)
    words = set()
    for one in source.regions():
        first = one.flares[0]
        found = what_happened(one, first.peak - 1 * u.h, "C")
        words.add(found.word)
        assert found.flares[0] == first
        assert f"({found.word})" in found.sentence
        assert what_happened(replace(one, flares=()), first.peak, "C").word == "no flare"
    assert words == {"eruptive", "confined"}


@pytest.mark.parametrize(("hours", "more"), [(5, True), (-5, False), (25, False)])
def test_a_row_that_could_not_be_read_may_be_another_flare_of_the_day(hours, more):
    lookup = replace(LOOKUP, unread=((TIME + hours * u.h, 1e-4),))
    outcome = what_happened(region(flare(), lookups=(lookup,)), TIME, "M")
    assert outcome.word == "eruptive"
    words = "There may be others: not every row of flares.csv could be read."
    assert (words in outcome.sentence) == more
