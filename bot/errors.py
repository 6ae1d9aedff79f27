"""The tree of errors. Each knows the sentence a member reads and whether trying again can help.

    EaselError
    ├── ConfigurationError          the operator's setting is wrong; names the key
    │   └── SchemaTooNew            the database was written by a newer Easel
    ├── Refusal                     a member's request that cannot be taken; private, nothing queued
    │   ├── BadOption               one option is out of bounds; names it
    │   │   └── UnknownName         no such model, sampler …; carries the nearest names
    │   ├── QueueFull               too many are waiting already
    │   ├── NotAllowed              not theirs to press, or not here
    │   └── Gone                    the job or message no longer exists
    ├── BrokenPicture               bytes that are not the picture they should be
    ├── DatabaseUnavailable         locked, full, read-only (retryable)
    ├── DatabaseClosed              the bot is stopping: what is left is done after the restart
    └── BackendError                a painter did not deliver
        ├── BackendUnreachable      nothing answers there (retryable)
        ├── BackendBusy             429 or 503 (retryable)
        ├── BackendTimeout          it took the job and never answered
        ├── BackendRejectedCredentials
        ├── BackendOutOfMemory
        ├── BackendRefused          it understood and said no (4xx)
        ├── BackendFailed           it broke while painting (5xx)
        └── BackendBadAnswer        HTML, no picture, a broken or a huge one

`str(error)` is for the operator's log and may hold detail; `error.sentence` is for people
and never holds a path, a URL, an address or JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class EaselError(Exception):
    """Root of the tree.

    `sentence` is what a member reads. `retryable` tells the worker whether the same request
    may succeed later without anybody changing it.
    """

    default_sentence: ClassVar[str] = "Something went wrong on our side."
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, sentence: str | None = None) -> None:
        super().__init__(detail or sentence or self.default_sentence)
        self.sentence = sentence or self.default_sentence

    @property
    def code(self) -> str:
        """The kind of error as a stable word for logs, the database and buttons."""
        return type(self).__name__


class ConfigurationError(EaselError):
    """A setting is wrong. `str(error)` is one line that names the key and where to mend it."""


class SchemaTooNew(ConfigurationError):
    """The database's schema revision is unknown to this version of Easel."""


class Refusal(EaselError):
    """A request that is not taken: told privately and at once, nothing is queued."""

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(detail or sentence, sentence=sentence)


class BadOption(Refusal):
    """One option is missing, malformed or out of bounds; `option` is its name.

    `part` is the very piece of a longer text that is meant, where it can stand without it.
    """

    def __init__(self, option: str, sentence: str, *, part: str | None = None) -> None:
        super().__init__(sentence, detail=f"{option}: {sentence}")
        self.option = option
        self.part = part


class UnknownName(BadOption):
    """A model, sampler or scheduler that this server does not have; `nearest` holds up to three.

    `several`: each of those fits what was typed, so that it names none of them.
    """

    def __init__(
        self, option: str, kind: str, name: str, nearest: Sequence[str], *, several: bool = False
    ) -> None:
        *first, last = [f"`{_bare(n)}`" for n in nearest] or [""]
        either = f"{', '.join(first)} or {last}" if first else last
        hint = f" Did you mean {either}?" if nearest else ""
        bare = _bare(name)
        shown = bare if len(bare) <= 60 else bare[:59] + "…"
        problem = f"More than one {kind} fits" if several else f"There is no {kind} called"
        here = "" if several else " here"
        super().__init__(option, f"{problem} `{shown}`{here}.{hint}")
        self.nearest = tuple(nearest)


def _bare(name: str) -> str:
    """A name on one line that cannot end the backticks around it, where all else is words."""
    return " ".join(name.replace("`", "'").split())


class QueueFull(Refusal):
    """A cap on waiting jobs (per member, per server or in all) is reached."""


class NotAllowed(Refusal):
    """The guest may not do this: another member's picture, or a server that is not served."""


class Gone(Refusal):
    """What the guest acts on no longer exists, or can no longer be changed."""


class BrokenPicture(EaselError):
    """Bytes that should be a picture and are not: truncated, of a wrong type, too large."""

    default_sentence = "That picture is damaged and can't be used."


class DatabaseUnavailable(EaselError):
    """The database is locked, full or read-only just now."""

    default_sentence = "Easel can't save anything right now. Please try again in a minute."
    retryable = True


class DatabaseClosed(EaselError):
    """The bot has stopped; whoever still asks comes too late."""

    default_sentence = "Easel is just restarting. Please try again in a minute."


class BackendError(EaselError):
    """A painter did not deliver."""

    default_sentence = "The image server had a problem. Please try again."


class BackendUnreachable(BackendError):
    """No connection, DNS failure, connection reset before an answer.

    `taken` is True when the server may have begun on the request, so that a retry is a second
    try of the same work and is counted.
    """

    default_sentence = (
        "The image server can't be reached right now. Please try again in a little while."
    )
    retryable = True

    def __init__(
        self, detail: str = "", *, taken: bool = False, sentence: str | None = None
    ) -> None:
        super().__init__(detail, sentence=sentence)
        self.taken = taken


class BackendBusy(BackendError):
    """429 or 503. `retry_after` is in seconds when the server said so."""

    default_sentence = "The image server is busy. Please try again in a moment."
    retryable = True

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BackendTimeout(BackendError):
    """The server accepted the request and did not answer within the backend's timeout_seconds."""

    default_sentence = (
        "The image server took too long and was given up on. "
        "Try fewer steps, a smaller size, or try again later."
    )


class BackendRejectedCredentials(BackendError):
    """401 or 403: the operator's user name, password or key is wrong."""

    default_sentence = (
        "The image server doesn't accept this bot's password. Its operator has to mend that."
    )


class BackendOutOfMemory(BackendError):
    """The graphics card ran out of memory."""

    default_sentence = "The image server ran out of memory. Try a smaller size or fewer pictures."


class BackendRefused(BackendError):
    """A 4xx other than the above: the request does not suit this server."""

    default_sentence = "The image server didn't accept this request. Try other settings."


class BackendFailed(BackendError):
    """A 5xx that names no reason we know."""

    default_sentence = "The image server broke down while painting this. Please try again."


class BackendBadAnswer(BackendError):
    """200 without a usable picture: HTML, `images: []`, cut base64, a cut or oversized file."""

    default_sentence = (
        "The image server sent back something that isn't a whole picture. Please try again."
    )
