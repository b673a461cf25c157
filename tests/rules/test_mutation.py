"""What a mutation changes in texts, values, paths and headers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rules.mutation import Moves, names_event, other_value, pattern_of, swapped_text

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just("user_id"), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def _shape(text: str) -> str:
    return re.sub("[0-9]", "0", re.sub("[a-z]", "a", re.sub("[A-Z]", "A", text)))


@given(st.text(st.characters(codec="ascii")), st.integers(0, 1000))
def test_another_value_has_the_same_shape(text: str, turn: int) -> None:
    assert len(other := other_value(text, turn)) == len(text)
    if "@" not in text and not re.fullmatch("[0-9a-fA-F-]{8,}", text):
        assert _shape(other) == _shape(text)


@given(
    st.from_regex(r"[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*(@example\.com)?", fullmatch=True),
    st.integers(0, 1000),
)
def test_another_value_is_another_one_and_the_next_one_is_again(text: str, turn: int) -> None:
    one, two = other_value(text, turn), other_value(text, turn + 1)
    assert len({text, one, two}) == 3


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("usr_1a2B", "vts_2b3C"),
        ("ann@example.com", "boo@example.com"),
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "403615f1-509a-42e4-9b1d-1416f93d4412"),
        (41, 42),
        (None, None),
        (True, True),
        ("", ""),
    ],
)
def test_values_that_name_a_user(value: Any, other: Any) -> None:
    assert other_value(value, 0) == other


@given(JSON, st.integers(0, 50))
def test_nothing_but_the_named_fields_changes(document: Any, turn: int) -> None:
    text = json.dumps(document)
    assert swapped_text(text, (), turn) == text
    changed = json.loads(swapped_text(text, ("user_id",), turn))
    assert _without(changed) == _without(document)


def _without(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: None if k == "user_id" else _without(v) for k, v in node.items()}
    return [_without(item) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ('{"user_id": "a1"}', '{"user_id":"b2"}'),
        ('[{"x": {"user_id": ["a", 1]}}]', '[{"x":{"user_id":["b",2]}}]'),
        ('{"user_id": {"user_id": "a", "name": "a"}}', '{"user_id":{"user_id":"b","name":"a"}}'),
        ('{"name":  "ä"}', '{"name":  "ä"}'),
        ("user_id=a1", "user_id=a1"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_users_are_swapped_at_any_depth(text: str, swapped: str) -> None:
    assert swapped_text(text, ("user_id",), 0) == swapped


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"type": "done"}', True),
        ('{"data": {"event": "done"}}', True),
        ('[0, {"event": "done"}]', True),
        ('{"type": "undone"}', False),
        ('{"type": "end", "history": ["begun", "done"]}', False),
        ('"done"', False),
        ("done", False),
        (b"\xff", False),
    ],
)
def test_a_message_names_an_event_by_the_value_of_a_field(text: str | bytes, names: bool) -> None:
    assert names_event(text, "done") is names


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", "/"),
        ("/api/threads", "/api/threads"),
        ("/api/threads/42/messages", "/api/threads/*/messages"),
        ("/u/3f2504e0-4f89-41d3-9a0c-0305e82c3301", "/u/*"),
        ("/u/01HZY3V8Q4J5K6M7N8P9R0S1T2", "/u/*"),
        ("/v1/organisation-settings-page", "/v1/organisation-settings-page"),
    ],
)
def test_ids_in_paths_do_not_count(path: str, pattern: str) -> None:
    assert pattern_of(path) == pattern


MOVES = Moves(
    {
        "https://api.example.com/v1": "http://127.0.0.1:5000/v1",
        "http://b:80": "http://127.0.0.1:6000",
    }
)


@pytest.mark.parametrize(
    ("header", "moved"),
    [
        ((b"Location", b"https://api.example.com/v1/x"), b"http://127.0.0.1:5000/v1/x"),
        ((b"X-Socket", b"wss://api.example.com/ws"), b"ws://127.0.0.1:5000/ws"),
        ((b"Access-Control-Allow-Origin", b"http://b:80"), b"http://127.0.0.1:6000"),
        ((b"Location", b"http://b:8080/"), b"http://b:8080/"),
        ((b"Location", b"https://api.example.com.evil/"), b"https://api.example.com.evil/"),
        ((b"Location", b"http://api.example.com/v1"), b"http://api.example.com/v1"),
        ((b"Set-Cookie", b"a=1; domain=api.example.com; Path=/; secure"), b"a=1; Path=/"),
        ((b"Set-Cookie", b"secure"), b"secure"),
    ],
)
def test_answers_lead_to_the_control(header: tuple[bytes, bytes], moved: bytes) -> None:
    assert MOVES.outward([header]) == [(header[0], moved)]


@pytest.mark.parametrize(
    ("text", "led"),
    [
        (b'{"u":"https://api.example.com/x","w":"wss://api.example.com"}', b'{"u":"http://127.0.0.1:5000/x","w":"ws://127.0.0.1:5000"}'),
        (rb'{"u":"https:\/\/api.example.com\/x"}', rb'{"u":"http:\/\/127.0.0.1:5000\/x"}'),
        (b"https://api.example.com.evil http://b:8080 b:80", b"https://api.example.com.evil http://b:8080 b:80"),
        (b"\xff\x00", b"\xff\x00"),
    ],
)  # fmt: skip
def test_texts_lead_to_the_control(text: bytes, led: bytes) -> None:
    assert MOVES.led_here(text) == led


def test_requests_name_the_target() -> None:
    asked = [(b"Origin", b"http://127.0.0.1:5000"), (b"Referer", b"http://127.0.0.1:6000/x?y")]
    assert [v for _, v in MOVES.inward(asked)] == [b"https://api.example.com", b"http://b:80/x?y"]
