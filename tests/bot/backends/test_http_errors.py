"""What image servers say when they say no: one of our errors, and their words for the log.

The bodies are those of contracts, sdapi 1 and sdapi-recorded.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backends.http import Answer, error_text, raise_for_status
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendUnreachable,
)


def answer(status: int, body: Any, content_type: str = "application/json") -> Answer:
    """An answer whose body is JSON, unless it is given as bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, content_type, raw)


def a1111(error: str, *, detail: str = "", errors: str = "") -> dict[str, str]:
    """The form of A1111's own error pages."""
    return {"error": error, "detail": detail, "body": "", "errors": errors}


# -- the words -------------------------------------------------------------------------------------

RECORDED: list[tuple[str, Any, str]] = [
    ("A1111, no header", a1111("HTTPException", detail="Not authenticated"), "Not authenticated"),
    ("Forge, wrong password", {"detail": "Incorrect username or password"}, "Incorrect username"),
    (
        "SD.Next, no header",
        {"error": "HTTPException", "code": 401, "detail": "Unauthorized", "body": "", "errors": ""},
        "Unauthorized",
    ),
    (
        "A1111, steps as text",
        {"detail": [{"loc": ["body", "steps"], "msg": "value is not a valid integer"}]},
        "body.steps value is not a valid integer",
    ),
    (
        "Forge, steps as text",
        {
            "detail": [
                {
                    "type": "int_parsing",
                    "loc": ["body", "steps"],
                    "msg": "Input should be a valid integer",
                    "input": "many",
                }
            ]
        },
        "body.steps Input should be a valid integer",
    ),
    (
        "A1111, the place may be a number",
        {"detail": [{"loc": ["body", 1], "msg": "Expecting property name"}]},
        "body.1 Expecting property name",
    ),
    (
        "A1111, two faults",
        {"detail": [{"loc": ["body", "a"], "msg": "one"}, {"loc": ["body", "b"], "msg": "two"}]},
        "body.a one; body.b two",
    ),
    (
        "A1111, unknown script",
        a1111("HTTPException", detail="Script 'nope' not found"),
        "Script 'nope' not found",
    ),
    ("absent route", {"detail": "Not Found"}, "Not Found"),
    (
        "A1111, raised while painting",
        a1111("Exception", errors="could not find upscaler named Nope"),
        "could not find upscaler named Nope",
    ),
    (
        "Forge, raised while painting: the words are under message",
        {"error": "TypeError", "detail": "", "body": "", "message": "argument is not iterable"},
        "argument is not iterable",
    ),
    ("A1111, raised without a word", a1111("AssertionError"), "AssertionError"),
    ("sd.cpp, no prompt", {"error": "prompt required"}, "prompt required"),
    (
        "sd.cpp, wrong type",
        {"error": "server_error", "message": "type must be number, but is null"},
        "type must be number, but is null",
    ),
    ("KoboldCpp", {"detail": {"msg": "Server is busy", "type": "service_unavailable"}}, "is busy"),
    ("an object with an error in it", {"detail": {"error": "no model"}}, "no model"),
    ("SD.Next, no source picture", {"error": "Init image is none"}, "Init image is none"),
    ("SD.Next, a TypeError is a bare string", "unsupported operand", "unsupported operand"),
    ("Draw Things", {"error": 'Unrecognized keys: ["n_iter"]'}, 'Unrecognized keys: ["n_iter"]'),
]


@pytest.mark.parametrize(("body", "words"), [r[1:] for r in RECORDED], ids=[r[0] for r in RECORDED])
def test_the_servers_words_are_found_wherever_they_stand(body: Any, words: str) -> None:
    assert words in error_text(answer(500, body))


def test_the_class_of_the_error_stands_before_its_words() -> None:
    body = a1111("OutOfMemoryError", errors="CUDA out of memory")
    assert error_text(answer(500, body)) == "OutOfMemoryError: CUDA out of memory"


def test_detail_comes_before_errors_and_errors_before_message() -> None:
    body = {"detail": "first", "errors": "second", "message": "third"}
    assert error_text(answer(500, body)) == "first"
    assert error_text(answer(500, body | {"detail": ""})) == "second"
    assert error_text(answer(500, body | {"detail": [], "errors": ""})) == "third"


def test_a_page_that_is_no_json_is_cut_short() -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head>" + b"<p>nginx</p>" * 500
    text = error_text(answer(502, page, "text/html"))
    assert text.startswith("<html>")
    assert "502 Bad Gateway" in text
    assert len(text) <= 200


def test_an_empty_body_still_says_something() -> None:
    """stable-diffusion.cpp answers an absent route with 404 and nothing at all."""
    assert error_text(answer(404, b"", "")) == "no words"


def test_words_are_never_long_enough_to_flood_the_log() -> None:
    for body in (
        {"detail": "x" * 10_000},
        {"detail": [{"loc": ["body"], "msg": "y" * 500}] * 50},
        {"errors": "z" * 10_000},
        "s" * 10_000,
        ["a"] * 10_000,
        {"error": "E" * 5_000, "message": "m" * 5_000},
    ):
        assert len(error_text(answer(500, body))) <= 500


def test_a_refused_body_that_comes_back_is_not_repeated() -> None:
    """A1111 echoes broken JSON whole under `ctx.doc`; it can hold somebody's picture."""
    detail = [{"loc": ["body", 1], "msg": "broken JSON", "ctx": {"doc": BEGIN_SECRET}}]
    assert BEGIN_SECRET not in error_text(answer(422, {"detail": detail}))


BEGIN_SECRET = "iVBORw0KGgo-somebody's-picture"

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["detail", "errors", "message", "error", "loc", "msg", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_any_json_gives_some_words_and_no_crash(body: Any) -> None:
    text = error_text(answer(500, body))
    assert text
    assert len(text) <= 500


def test_an_empty_text_says_that_there_are_no_words() -> None:
    assert error_text(answer(500, "")) == "no words"


@pytest.mark.parametrize("loc", ["body", 3, None, [], {"at": 1}])
def test_an_odd_place_in_a_fault_is_survived(loc: Any) -> None:
    assert "broken" in error_text(answer(422, {"detail": [{"loc": loc, "msg": "broken"}]}))


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "the disk is full"},
        {"error": {"message": "the disk is full", "code": 7}},
        {"detail": ["the disk is full"]},
        {"detail": {"reason": "the disk is full"}},
    ],
)
def test_json_of_another_form_shows_its_beginning(body: Any) -> None:
    """The last resort of contracts, sdapi 1: the first 200 characters of the body."""
    assert "the disk is full" in error_text(answer(500, body))


@given(st.binary(max_size=400))
def test_any_bytes_give_some_words_and_no_crash(body: bytes) -> None:
    assert len(error_text(answer(500, body, "application/octet-stream"))) <= 500


# -- which of our errors ---------------------------------------------------------------------------

OOM = a1111("OutOfMemoryError", errors="CUDA out of memory. Tried to allocate 4.50 GiB.")

TABLE: list[tuple[int, Any, type[BackendError]]] = [
    (400, {"error": "prompt required"}, BackendRefused),
    (401, a1111("HTTPException", detail="Not authenticated"), BackendRejectedCredentials),
    (403, {"detail": "Forbidden"}, BackendRejectedCredentials),
    (404, {"detail": "Not Found"}, BackendRefused),
    (404, b"", BackendRefused),
    (405, {"detail": "Method Not Allowed"}, BackendRefused),
    (413, b"<h1>413 Request Entity Too Large</h1>", BackendRefused),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, BackendRefused),
    (429, {"detail": "Rate limit exceeded"}, BackendBusy),
    (500, a1111("ZeroDivisionError", errors="integer division by zero"), BackendFailed),
    (500, {"error": "server_error", "message": "type must be number"}, BackendFailed),
    (500, b"Internal Server Error", BackendFailed),
    (500, OOM, BackendOutOfMemory),
    (500, {"error": "OutOfMemoryError", "detail": "", "message": ""}, BackendOutOfMemory),
    (500, a1111("RuntimeError", errors="MPS backend out of memory"), BackendOutOfMemory),
    (500, a1111("RuntimeError", errors="CUDA error: out of memory"), BackendOutOfMemory),
    (501, {"detail": "Not Implemented"}, BackendFailed),
    (502, b"<html>502 Bad Gateway</html>", BackendUnreachable),
    (503, {"detail": {"msg": "Server is busy", "type": "service_unavailable"}}, BackendBusy),
    (504, b"<html>504 Gateway Time-out</html>", BackendUnreachable),
]


@pytest.mark.parametrize(("status", "body", "error"), TABLE)
def test_every_status_has_its_error(status: int, body: Any, error: type[BackendError]) -> None:
    with pytest.raises(BackendError) as caught:
        raise_for_status(answer(status, body))
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"{status}: "), "the log tells the status"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_two_hundreds_pass_whatever_they_say(status: int) -> None:
    """SD.Next answers an interrupt with 204 and no body, A1111 with 200 and `null`."""
    raise_for_status(answer(status, b""))
    raise_for_status(answer(status, OOM))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error(status: int) -> None:
    with pytest.raises(BackendFailed):
        raise_for_status(answer(status, b""))


def test_a_proxy_that_lost_the_server_may_have_passed_the_request_on() -> None:
    """502 and 504: the server may be painting, so the next try counts as a second one."""
    for status in (502, 504):
        with pytest.raises(BackendUnreachable) as caught:
            raise_for_status(answer(status, b""))
        assert caught.value.taken
        assert caught.value.retryable


def test_members_never_read_the_servers_words() -> None:
    path = "/srv/webui/models/secret.safetensors"
    with pytest.raises(BackendFailed) as caught:
        raise_for_status(answer(500, a1111("OSError", errors=path)))
    assert path in str(caught.value)
    assert path not in caught.value.sentence


# -- JSON ------------------------------------------------------------------------------------------


def test_an_answer_is_read_as_json() -> None:
    assert answer(200, {"progress": 0.5}).json() == {"progress": 0.5}
    assert answer(200, b"null").json() is None


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"images": ["iVBOR', b"\xff\xfe\x00"])
def test_anything_else_says_what_came_instead(body: bytes) -> None:
    with pytest.raises(BackendBadAnswer, match="200 with text/html instead of JSON"):
        answer(200, body, "text/html").json()


def test_no_content_type_is_said_as_well() -> None:
    with pytest.raises(BackendBadAnswer, match="no content type"):
        answer(200, b"", "").json()


def test_json_nested_without_end_is_a_bad_answer_too() -> None:
    with pytest.raises(BackendBadAnswer):
        answer(200, b"[" * 200_000).json()
