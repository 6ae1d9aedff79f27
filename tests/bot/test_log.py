"""One stream of lines, as text or JSON, in which no secret ever stands."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import log

SECRET = "MTA0.GpGx7C.open-sesame"
STYLES = pytest.mark.parametrize("style", ["text", "json"])


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was written as JSON."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def tell_everywhere(secret: str) -> None:
    """Puts a secret wherever a log line can hold one."""
    room = log.get("room")
    room.info("signed in", token=secret, headers={"Authorization": f"Bot {secret}"}, tried=[secret])
    room.warning(f"in the event itself: {secret}")
    logging.getLogger("foreign").warning("by an argument: %s", secret)
    try:
        raise ValueError(f"bad token {secret}")
    except ValueError as error:
        room.exception("broke here")
        room.error("broke elsewhere", exc_info=error)
        logging.getLogger("foreign").exception("broke abroad")


def test_a_line_is_an_action_and_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("INFO", "json")
    log.get("queue").info("job accepted", job=12, guild=None)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "job accepted",
        "job": 12,
        "guild": None,
        "logger": "easel.queue",
        "level": "info",
    }


def test_text_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("INFO", "text")
    log.get("queue").info("job accepted", job=12, words="two words")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("job accepted [easel.queue] job=12 words='two words'")
    assert "\x1b" not in line


def test_other_libraries_speak_in_the_same_stream(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("INFO", "json")
    logging.getLogger("somebody.else").info("seen %d times", 3)
    (line,) = lines(capsys)
    assert (line["event"], line["logger"]) == ("seen 3 times", "somebody.else")


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_the_level_is_obeyed_and_talkative_libraries_only_warn(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup(level, "json")
    for name in ("DEBUG", "INFO", "WARNING", "ERROR"):
        number = logging.getLevelName(name)
        log.get("ours").log(number, f"ours {name}")
        logging.getLogger("discord.gateway").log(number, f"theirs {name}")
    heard = {line["event"] for line in lines(capsys)}
    numbers = {n: logging.getLevelName(n) for n in ("DEBUG", "INFO", "WARNING", "ERROR")}
    assert heard == {f"ours {n}" for n, at in numbers.items() if at >= numbers[level]} | {
        f"theirs {n}" for n, at in numbers.items() if at >= max(numbers[level], logging.WARNING)
    }


def test_a_foreign_message_is_cut_to_a_line_that_can_be_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.setup("INFO", "json")
    logging.getLogger("foreign").warning("x" * 50_000)
    (line,) = lines(capsys)
    assert line["event"] == "x" * 2000 + "…"


@STYLES
def test_a_secret_is_masked_in_facts_events_and_tracebacks(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("DEBUG", style, [SECRET])
    tell_everywhere(SECRET)
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "open-sesame" not in written
    assert written.count("•••") >= 8
    assert written.count("ValueError: bad token •••") == 3


def test_masked_json_is_still_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("DEBUG", "json", [SECRET])
    tell_everywhere(SECRET)
    first = lines(capsys)[0]
    assert first["token"] == "•••"
    assert first["headers"] == {"Authorization": "Bot •••"}


@STYLES
def test_of_two_secrets_that_overlap_nothing_is_left(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("INFO", style, ["sesame", "open-sesame-now"])
    log.get("room").info("both", one="open-sesame-now", other="sesame")
    written = capsys.readouterr().err
    assert "open-" not in written
    assert "-now" not in written


def test_very_short_values_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup("INFO", "json", ["", "a", "abc"])
    log.get("room").info("abc a")
    assert lines(capsys)[0]["event"] == "abc a"


PRINTABLE = st.text(
    st.characters(codec="ascii", exclude_categories=["C"], exclude_characters="'\"\\"),
    min_size=4,
    max_size=30,
)


def test_a_secret_at_the_cut_of_a_long_message_is_masked_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.setup("INFO", "json", [SECRET])
    logging.getLogger("foreign").warning("x" * 1990 + SECRET)
    assert SECRET[:8] not in capsys.readouterr().err


@STYLES
@given(secret=PRINTABLE)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_plain_secret_is_masked(
    style: str, secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = f"<{secret}>"
    log.setup("INFO", style, [marked])
    tell_everywhere(marked)
    assert marked not in capsys.readouterr().err


@STYLES
def test_a_secret_with_odd_letters_is_masked_too(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for secret in ('pa"ss-hush', "pässwörd-hush", 'it\'s-"hush"', "a\\b-hush"):
        log.setup("INFO", style, [secret])
        tell_everywhere(secret)
        log.get("room").info("as it would be quoted", shown=repr(secret))
    assert "hush" not in capsys.readouterr().err


@pytest.mark.parametrize("secret", ["2026", "1234", "null", "level"])
def test_json_stays_json_whatever_the_secret_is(
    secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.setup("INFO", "json", [secret])
    log.get("room").info("told", job=1234, guild=None, year=2026)
    (line,) = lines(capsys)
    assert line["level"] == "info"
