"""Large JSON is read as json.loads reads it, but for the bulk, which stays bytes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.bulky import BULKY, Bulky

LONG = base64.b64encode(bytes(BULKY)).decode()
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(LONG) | st.just("a\\b" * BULKY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _same(bulky: Bulky, read: Any, meant: Any) -> bool:
    if isinstance(meant, str):
        return bulky.text(read) == meant.encode("utf-8", "replace")
    if isinstance(meant, list):
        pairs = zip(read, meant, strict=True)
        return all(_same(bulky, r, m) for r, m in pairs)
    if isinstance(meant, dict):
        return list(read) == list(meant) and all(_same(bulky, read[k], meant[k]) for k in meant)
    return bool(read == meant)


@given(values, st.booleans())
def test_any_value_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        meant = json.loads(body)
    except ValueError:
        with pytest.raises(ValueError):
            Bulky(body)
        return
    bulky = Bulky(body)
    assert _same(bulky, bulky.value, meant)


def test_long_base64_is_cut_out_and_given_back() -> None:
    bulky = Bulky(json.dumps({"images": [LONG, "short"], "info": '{"a": "b"}'}).encode())
    first, second = bulky.value["images"]
    assert len(first) < 100
    assert bulky.text(first) == LONG.encode()
    assert bulky.text(second) == b"short"
    assert json.loads(bulky.value["info"]) == {"a": "b"}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"images": ["' + LONG.encode(), b"\xff\xfe"])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        Bulky(body)
