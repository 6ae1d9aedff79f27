"""Helpers for those who write prompts: choices, wildcards, a pasted infotext.

`{red|blue}` is one of the two, `{2::red|blue}` red twice as often; braces without a bar stay (some
models read them as emphasis), and so do braces that are never closed. `__animal__` is one line of
resources/wildcards/animal.txt, which may hold choices and wildcards itself. `\\{ \\} \\| \\__` are
the signs themselves. All is resolved before an order is queued, by its seed: the same seed and
prompt give the same words. Pure functions, linear in what they read.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from bot.errors import BadOption, ConfigurationError, UnknownName
from bot.images.foreign import Reading, from_infotext
from bot.images.infotext import KEY_ORDER
from bot.studio.search import nearest
from bot.values.request import PROMPT_LIMIT

WILDCARDS_FOLDER = Path(__file__).parents[2] / "resources" / "wildcards"
LONGEST_ENTRY = 1_000
"""Characters of one line of a wildcard file."""
MOST_ENTRIES = 20_000
"""Lines of one wildcard file."""

_DEEPEST = 8
# Characters looked at for one prompt, drawn entries included: ends circles and avalanches.
_MOST_CHARACTERS = 10 * PROMPT_LIMIT
_FEWEST_KEYS = 3

# Letters and digits with single _ - / between them, so that `__a____b__` is two names.
_NAME = r"__([^\W_]{1,40}(?:[_/-][^\W_]{1,40}){0,7})__"
_WILDCARD = re.compile(_NAME)
# A LoRA's name may look like a wildcard, so its tag is one sign.
_TOKEN = re.compile(rf"<\w{{1,20}}:[^<>{{}}\n]*>|{_NAME}|[{{}}|]")
_WEIGHT = re.compile(r"\s*([0-9]{1,4}(?:\.[0-9]{1,4})?)::")
_ESCAPE = re.compile(r"\\(__|[{}|])")
# While a prompt is worked on, escaped signs are characters that no text may hold.
_HIDDEN = {"{": "\ufdd0", "}": "\ufdd1", "|": "\ufdd2", "__": "\ufdd3"}
_STEPS = re.compile(r"(?:^|\s)(?=Steps:\s*[0-9]{1,6}\s*(?:,|$))")


def expand(
    prompt: str,
    *,
    seed: int,
    wildcards: Mapping[str, Sequence[str]],
    option: str = "prompt",
) -> str:
    """`prompt` with every choice made and every wildcard drawn.

    `wildcards` maps lower-case names to entries (`read_wildcards`). Raises UnknownName (a
    BadOption of `option`) with the three nearest names for a wildcard that is not there, also
    one inside a choice that is not taken, and BadOption when wildcards go round in circles or
    the result has more than PROMPT_LIMIT characters. A prompt without signs comes back as it is.
    """
    return _Expansion(seed, wildcards, option).whole(prompt)


def read_wildcards(folder: Path = WILDCARDS_FOLDER) -> Mapping[str, tuple[str, ...]]:
    """Every `*.txt` of the folder and those below it: lower-case name ("colour/warm") to entries.

    One entry a line; empty lines and lines that begin with `#` are left out. Raises
    ConfigurationError that names the file (and line) that cannot be used.
    """
    try:
        files = sorted(path for path in folder.rglob("*.txt") if path.is_file())
        return {_wildcard_name(folder, path): _entries(path) for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{folder}: {error}") from error


def as_settings(text: str) -> Reading | None:
    """A pasted infotext, taken apart; None for an ordinary prompt.

    It is one if its parameter line has Steps and at least two more of the web UI's keys. Discord
    turns the line breaks of a pasted text into spaces, so that form is recognised, too.
    """
    for candidate in (text, *_unfolded(text)):
        reading = from_infotext(candidate)
        if reading and reading.infotext.steps is not None:
            known = sum(key in KEY_ORDER for key in reading.settings)
            if known >= _FEWEST_KEYS:
                return reading
    return None


class _Expansion:
    """One prompt's way from signs to words."""

    def __init__(self, seed: int, wildcards: Mapping[str, Sequence[str]], option: str) -> None:
        self._option = option
        self._random = random.Random(seed)
        self._wildcards = wildcards
        self._room = _MOST_CHARACTERS

    def whole(self, prompt: str) -> str:
        hidden = _ESCAPE.sub(lambda match: _HIDDEN[match[1]], prompt)
        text = self._resolved(hidden, 0)
        # A choice may have made a name: `__{animal|place}__`.
        while any(match[1] for match in _TOKEN.finditer(text)):
            text = self._resolved(text, 0)
        if text != hidden:
            text = re.sub(r" {2,}", " ", text)
        for sign, stand_in in _HIDDEN.items():
            text = text.replace(stand_in, sign)
        if len(text) > PROMPT_LIMIT:
            raise BadOption(
                self._option,
                f"With its choices made, the prompt has {len(text)} characters; "
                f"at most {PROMPT_LIMIT} are possible.",
            )
        return text

    def _resolved(self, text: str, depth: int) -> str:
        """One walk from left to right; what braces hold is decided where they close."""
        self._room -= len(text)
        if self._room < 0:
            raise BadOption(self._option, "This prompt and its wildcards are too long to resolve.")
        # One list of options for each open brace, each option a list of pieces.
        stack: list[list[list[str]]] = [[[]]]
        at = 0
        for match in _TOKEN.finditer(text):
            stack[-1][-1].append(text[at : match.start()])
            at = match.end()
            sign = match[0]
            if match[1]:
                stack[-1][-1].append(self._drawn(match[1], depth))
            elif sign == "{":
                stack.append([[]])
            elif sign == "|" and len(stack) > 1:
                stack[-1].append([])
            elif sign == "}" and len(stack) > 1:
                options = ["".join(pieces) for pieces in stack.pop()]
                stack[-1][-1].append(self._chosen(options))
            else:
                stack[-1][-1].append(sign)
        stack[-1][-1].append(text[at:])
        while len(stack) > 1:
            unclosed = "|".join("".join(pieces) for pieces in stack.pop())
            stack[-1][-1].append("{" + unclosed)
        return "".join(stack[0][0])

    def _chosen(self, options: Sequence[str]) -> str:
        if len(options) == 1:
            return "{" + options[0] + "}"
        weighed = [(_WEIGHT.match(option), option) for option in options]
        weights = [float(match[1]) if match else 1.0 for match, _ in weighed]
        words = [option[match.end() :] if match else option for match, option in weighed]
        point = self._random.random() * sum(weights)
        for word, weight in zip(words, weights, strict=True):
            point -= weight
            if point < 0:
                return word
        return words[-1]

    def _drawn(self, name: str, depth: int) -> str:
        entries = self._wildcards.get(name.lower())
        if not entries:
            close = nearest(name, self._wildcards, cutoff=0.0)
            raise UnknownName(self._option, "wildcard", name, close)
        if depth >= _DEEPEST:
            raise BadOption(self._option, f"The wildcard `{name}` goes round in circles.")
        # `random()` alone keeps its sequence from one Python to the next.
        entry = entries[int(self._random.random() * len(entries))]
        hidden = _ESCAPE.sub(lambda match: _HIDDEN[match[1]], entry)
        return self._resolved(hidden, depth + 1)


def _wildcard_name(folder: Path, path: Path) -> str:
    name = path.relative_to(folder).with_suffix("").as_posix().lower()
    if not _WILDCARD.fullmatch(f"__{name}__"):
        raise ConfigurationError(
            f"{path}: a wildcard's name can have letters and digits, with single - or _ between"
        )
    return name


def _entries(path: Path) -> tuple[str, ...]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    entries = []
    for number, line in enumerate(lines, start=1):
        entry = line.strip()
        if len(entry) > LONGEST_ENTRY:
            raise ConfigurationError(f"{path}, line {number}: over {LONGEST_ENTRY} characters")
        if entry and not entry.startswith("#"):
            entries.append(entry)
    if not 0 < len(entries) <= MOST_ENTRIES:
        raise ConfigurationError(f"{path}: {len(entries)} entries; 1 to {MOST_ENTRIES} can be used")
    return tuple(entries)


def _unfolded(text: str) -> list[str]:
    """The text with its line breaks put back, for each place where the last line may begin."""
    found = []
    for match in islice(_STEPS.finditer(text), 8):
        prompts = re.sub(
            r"\sNegative prompt:", "\nNegative prompt:", text[: match.start()], count=1
        )
        found.append(f"{prompts}\n{text[match.end() :]}")
    return found
