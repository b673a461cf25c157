"""Contact by time windows: what may be held for whose doing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from data.rules.attribution import Attributed, Contact, Moved, Window, attribute

SECONDS = st.integers(0, 60).map(float)
BYTES = st.integers(0, 1000)


@st.composite
def _moved(draw: st.DrawFn) -> Moved:
    first_s = draw(SECONDS)
    return Moved(first_s, first_s + draw(st.integers(0, 5)), draw(BYTES), draw(BYTES))


CONTACTS = st.lists(
    st.builds(
        Contact,
        st.just("api"),
        SECONDS,
        st.lists(_moved(), max_size=4).map(tuple),
        within_s=st.integers(0, 3).map(float),
    ),
    max_size=6,
)
WINDOWS = st.lists(st.builds(Window, st.sampled_from("abcde"), SECONDS, SECONDS), max_size=8)


def _contact(opened_s: float, *moved: tuple[float, int, int]) -> Contact:
    return Contact("api", opened_s, tuple(Moved(at, at, sent, got) for at, sent, got in moved))


@given(WINDOWS)
def test_without_contact_nobody_is_witnessed(windows: list[Window]) -> None:
    assert attribute(windows, []) == {window.test_id: Attributed() for window in windows}


@given(CONTACTS)
def test_without_windows_nobody_is_named(contacts: list[Contact]) -> None:
    assert attribute([], contacts) == {}


@given(WINDOWS, CONTACTS, st.integers(0, 7), SECONDS, SECONDS)
def test_a_wider_window_never_loses(
    windows: list[Window], contacts: list[Contact], which: int, before_s: float, after_s: float
) -> None:
    if which >= len(windows):
        return
    wide = list(windows)
    one = wide[which]
    wide[which] = Window(one.test_id, one.start - before_s, one.end + after_s)
    was, now = (attribute(each, contacts)[one.test_id] for each in (windows, wide))
    assert (was.witnessed, *was[1:4]) <= (now.witnessed, *now[1:4])
    assert all(more >= less for less, more in zip(was[:4], now[:4], strict=True))


@given(WINDOWS, CONTACTS, st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(
    windows: list[Window], contacts: list[Contact], chance: object
) -> None:
    mixed_windows, mixed_contacts = list(windows), list(contacts)
    chance.shuffle(mixed_windows)  # type: ignore[attr-defined]
    chance.shuffle(mixed_contacts)  # type: ignore[attr-defined]
    assert attribute(mixed_windows, mixed_contacts) == attribute(windows, contacts)


@given(WINDOWS, CONTACTS)
def test_it_is_what_the_definition_says(windows: list[Window], contacts: list[Contact]) -> None:
    """The same without sorting or searching."""

    def inside(test_id: str, first_s: float, last_s: float) -> bool:
        return any(
            w.start <= w.end and first_s <= w.end and last_s >= w.start
            for w in windows
            if w.test_id == test_id
        )

    names = {window.test_id for window in windows}
    expected = {}
    for name in names:
        connections, sent, received, alone, any_piece = set(), 0, 0, False, False
        for number, contact in enumerate(contacts):
            opened = Moved(contact.opened_s - contact.within_s, contact.opened_s, 0, 0)
            for moved in (opened, *contact.moved):
                if inside(name, moved.first_s, moved.last_s):
                    connections.add(number)
                    any_piece = True
                    sent, received = sent + moved.sent_bytes, received + moved.received_bytes
                    alone |= not any(inside(o, moved.first_s, moved.last_s) for o in names - {name})
        expected[name] = Attributed(
            any_piece, len(connections), sent, received, any_piece and not alone
        )
    assert attribute(windows, contacts) == expected


@given(WINDOWS, CONTACTS)
def test_tests_that_run_one_after_the_other_share_nothing(
    windows: list[Window], contacts: list[Contact]
) -> None:
    apart = [Window(f"t{n}", 100.0 * n, 100.0 * n + 99) for n in range(4)]
    assert not any(seen.shared for seen in attribute(apart, contacts).values())


def test_a_test_is_credited_with_what_moves_while_it_runs() -> None:
    windows = [Window("a", 0, 1), Window("b", 2, 3), Window("c", 4, 5)]
    kept_alive = _contact(0.5, (0.6, 10, 20), (2.5, 1, 2), (3.5, 7, 7))
    assert attribute(windows, [kept_alive]) == {
        "a": Attributed(True, 1, 10, 20),
        "b": Attributed(True, 1, 1, 2),
        "c": Attributed(),
    }


def test_parallel_tests_share_what_nobody_can_tell_apart() -> None:
    windows = [Window("a", 0, 2), Window("b", 1, 3)]
    found = attribute(windows, [_contact(1.2, (1.5, 5, 5))])
    assert found == {name: Attributed(True, 1, 5, 5, shared=True) for name in "ab"}
    found = attribute(windows, [_contact(1.2, (1.5, 5, 5)), _contact(0.5)])
    assert (found["a"].shared, found["b"].shared) == (False, True)


def test_the_windows_of_a_retried_test_are_one() -> None:
    windows = [Window("a", 0, 2), Window("a", 1, 3)]
    assert attribute(windows, [_contact(1.5, (1.5, 5, 5))]) == {"a": Attributed(True, 1, 5, 5)}


def test_a_window_that_ends_before_it_starts_holds_nothing() -> None:
    wide = Contact("api", 0, (Moved(0, 10, 5, 5),))
    assert attribute([Window("a", 6, 4)], [wide]) == {"a": Attributed()}


def test_ten_thousand_tests_and_a_hundred_thousand_movements_are_quick() -> None:
    windows = [Window(f"t{n}", n, n + 0.9) for n in range(10_000)]
    contacts = [_contact(0, *((n / 10, 1, 1) for n in range(100_000)))]
    found = attribute(windows, contacts)
    assert found["t5000"] == Attributed(True, 1, 10, 10)
