"""Every error has a kind word for people, a stable name for machines, and its place in the tree."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot import errors
from bot.errors import (
    BackendBusy,
    BackendUnreachable,
    BadOption,
    DatabaseUnavailable,
    EaselError,
    Refusal,
    UnknownName,
)

for _room in pkgutil.walk_packages(bot.__path__, "bot."):
    # An error class anywhere in the house counts, not only those of bot/errors.py.
    if "__main__" not in _room.name and ".migrations" not in _room.name:
        importlib.import_module(_room.name)


def descend(kind: type[EaselError]) -> Iterator[type[EaselError]]:
    """A class and all that come from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from descend(child)


EVERY = sorted(
    # Some rooms tell cases apart by errors of their own, that never leave them.
    {kind for kind in descend(EaselError) if kind.__module__ == "bot.errors"},
    key=lambda kind: kind.__name__,
)
WITH_WORDS: dict[type[EaselError], Callable[[], EaselError]] = {
    BadOption: lambda: BadOption("steps", "Steps must be between 1 and 150."),
    UnknownName: lambda: UnknownName("model", "model", "dreemshaper", ["dreamshaper_8"]),
}
DETAIL = "OSError: [Errno 111] http://10.0.0.5:7860/sdapi/v1/txt2img {'detail': 'CUDA'}"
JARGON = re.compile(
    r"https?:|://|/|\\|[{}<>]|_|\b(?:HTTP|JSON|SQL\w*|API|URL|CUDA|VRAM|base64|traceback|exception|"
    r"errno|null|None|stack|socket|status|timeout|payload|4\d\d|5\d\d|\w+Error)\b",
    re.IGNORECASE,
)


def made(kind: type[EaselError]) -> EaselError:
    """An error as it would be raised, with a detail for the log wherever it takes one."""
    if kind in WITH_WORDS:
        return WITH_WORDS[kind]()
    if issubclass(kind, Refusal):
        return kind("This is only for the one who asked.", detail=DETAIL)
    return kind(DETAIL)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_each_has_a_sentence_for_people(kind: type[EaselError]) -> None:
    sentence = re.sub(r"`[^`]*`", "", made(kind).sentence)
    assert JARGON.search(sentence) is None, sentence
    assert sentence[0].isupper()
    assert sentence.rstrip()[-1] in ".?"
    assert len(sentence) <= 200
    assert "\n" not in sentence


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_the_detail_is_for_the_log_and_never_in_the_sentence(kind: type[EaselError]) -> None:
    error = made(kind)
    if kind not in WITH_WORDS:
        assert str(error) == DETAIL
    assert "10.0.0.5" not in error.sentence


def test_an_error_without_detail_still_says_something_in_the_log() -> None:
    assert str(DatabaseUnavailable()) == DatabaseUnavailable.default_sentence
    assert str(EaselError(sentence="Try later.")) == "Try later."
    assert str(Refusal("Not here.")) == "Not here."


def test_codes_are_unique_and_are_words() -> None:
    codes = [made(kind).code for kind in EVERY]
    assert len(set(codes)) == len(codes)
    assert all(code.isidentifier() for code in codes)


def test_the_tree_drawn_at_the_top_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( {4}[│├└─ ]*)([A-Z]\w+)(?: {2,}|$)", line)
        if found is None:
            continue
        depth, name = len(found[1]), found[2]
        above = [(d, n) for d, n in above if d < depth]
        drawn[name] = above[-1][1] if above else ""
        above.append((depth, name))
    assert drawn == {
        kind.__name__: kind.__bases__[0].__name__ if kind is not EaselError else ""
        for kind in EVERY
    }


def test_retryable_is_what_the_tree_says() -> None:
    said = set(re.findall(r"(\w+) .*\(retryable\)", errors.__doc__ or ""))
    assert {kind.__name__ for kind in EVERY if kind.retryable} == said
    assert said == {"DatabaseUnavailable", "BackendUnreachable", "BackendBusy"}


@given(
    name=st.text() | st.text(min_size=61), nearest=st.lists(st.text("abc_", min_size=1), max_size=3)
)
def test_an_unknown_name_is_repeated_shortly_with_what_is_near(
    name: str, nearest: list[str]
) -> None:
    error = UnknownName("model", "model", name, nearest)
    shown = error.sentence.removeprefix("There is no model called `").split("` here.", 1)[0]
    plain = " ".join(name.replace("`", "'").split())
    assert plain.startswith(shown.removesuffix("…")) or shown == plain
    assert len(shown) <= 60
    assert error.nearest == tuple(nearest)
    assert all(f"`{near}`" in error.sentence for near in nearest)
    assert ("Did you mean" in error.sentence) == bool(nearest)


def test_a_bad_option_names_itself_for_the_log() -> None:
    error = BadOption("steps", "Too many.")
    assert (error.option, error.sentence, str(error)) == ("steps", "Too many.", "steps: Too many.")


def test_an_unreachable_server_may_have_begun_and_a_busy_one_may_name_a_time() -> None:
    assert not BackendUnreachable("reset").taken
    assert BackendUnreachable("reset", taken=True).taken
    assert BackendBusy("429").retry_after is None
    assert BackendBusy("429", retry_after=2.5).retry_after == 2.5
