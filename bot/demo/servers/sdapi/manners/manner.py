"""What makes one server unlike another, as one frozen value.

The routes are the same for all; where servers differ they ask the ``Manner``. Most of it is
data. Where data is not enough stands a function, which lives in the file of its server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.demo.servers.sdapi.catalogue import Sampler, Scheduler
from bot.demo.servers.sdapi.coerce import Reading
from bot.demo.servers.sdapi.forms import Fields
from bot.demo.servers.sdapi.gate import Gate
from bot.demo.servers.sdapi.networks import Network, none
from bot.demo.servers.sdapi.options import DEFAULTS, Options, named_vae
from bot.demo.servers.sdapi.scripts.staged import Script

if TYPE_CHECKING:
    from bot.demo.servers.sdapi.engine import Engine
    from bot.demo.servers.sdapi.pictures import Source
    from bot.demo.servers.sdapi.processing import Kind, Processing
    from bot.demo.servers.sdapi.report import Look

API = "/sdapi/v1"
Asked = dict[str, Any]
Listing = Callable[["Engine"], Any]


@dataclass(frozen=True)
class Canvas:
    """Sizes in pixels become multiples of ``multiple``, down or up; none is over ``longest``."""

    multiple: int = 8
    up: bool = False
    longest: int | None = None

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The size of the picture for a size that was asked; too large keeps its ratio."""
        if self.longest is not None and max(width, height) > self.longest:
            share = self.longest / max(width, height)
            width, height = int(width * share), int(height * share)
        return self._snap(width), self._snap(height)

    def _snap(self, side: int) -> int:
        extra = self.multiple - 1 if self.up else 0
        return max((side + extra) // self.multiple, 1) * self.multiple


@dataclass(frozen=True)
class Preview:
    """The live preview of ``/internal/progress``.

    ``format`` None is the server's option. ``first``: it comes also with an
    ``id_live_preview`` of -1.
    """

    format: str | None = None
    first: bool = True


@dataclass(frozen=True)
class Done:
    """A finished job for the hook ``answer``: ``images`` in base64, the request as it was read
    (``echo``) and as it was sent (``body``), and the object of ``info``."""

    images: list[str]
    echo: Asked
    body: dict[str, Any]
    info: dict[str, Any]


def _unchecked(_: Asked, __: Kind, ___: list[Source]) -> None:
    """Nothing that breaks in the midst of the work."""


def _as_it_is(seen: dict[str, Any], _: Engine) -> dict[str, Any]:
    return seen


def _null(_: dict[str, Any]) -> None:
    """A ``null``: all that most servers answer to a change."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """One server. ``title`` is its usual name, ``version`` ends its infotexts.

    The door: ``actions`` are the routes that do something ("POST /txt2img"; the API's prefix is
    left out), ``lists`` those that only say something. ``errors`` turns an exception into a
    response, ``missing`` does that for a route (404) or verb (405) that is not there; with
    ``missing_waits`` such a POST waits for the running job first. ``timed``: X-Process-Time.
    ``room``: that many wait, the next gets a 503. ``limit_status``: of its rate limiter.

    Reading: ``fields`` it knows, with its defaults; ``fixed`` replaces A1111's defaults of the
    others. ``admit`` refuses, or puts right, before the queue. ``forgiving``: a source that
    cannot be read is no error.

    Making: ``sampler`` resolves the two names; ``check`` raises in the midst of the work;
    ``networks`` are the LoRAs of a request with its styled prompt, ``lora_hashes`` says that the
    infotext names them; ``scripts`` are the always-on ones of its extensions; ``vaes`` names
    the VAEs (and text encoders) in force;
    ``infotext`` is the text of one picture, ``texts`` what its file holds, ``info`` the object
    about all, ``answer`` the body of the 200.

    Watching: ``stops_quietly``: 204 for interrupt and skip. ``progress`` and ``watched`` complete
    the two progress answers; ``updated`` is the answer to POST /options.
    """

    title: str
    version: str

    gate: Gate
    actions: frozenset[str]
    lists: Mapping[str, Listing]
    errors: Callable[[Exception], web.Response]
    missing: Callable[[int], web.Response]
    missing_waits: bool = False
    timed: bool = False
    gzips: bool = False
    room: int | None = None
    limit_status: int | None = None

    reading: Reading = field(default_factory=Reading)
    fields: Mapping[Kind, Fields] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    admit: Callable[[Kind, Asked, dict[str, Any]], None]
    forgiving: bool = False

    options: Mapping[str, Any] = field(default_factory=lambda: DEFAULTS)
    canvas: Canvas = Canvas()
    sampler: Callable[[str | None, str | None], tuple[Sampler, Scheduler]]
    check: Callable[[Asked, Kind, list[Source]], None] = _unchecked

    networks: Callable[[Asked, str], tuple[Network, ...]] = none
    lora_hashes: bool = False
    scripts: Mapping[str, Script] = field(default_factory=dict)
    vaes: Callable[[Options], tuple[str, ...]] = named_vae

    infotext: Callable[[Processing, int, Look], str]
    texts: Callable[[Processing, int, Look], dict[str, str]]
    info: Callable[[Processing, list[str], bool, Look], dict[str, Any]]
    answer: Callable[[Done], dict[str, Any]]

    stops_quietly: bool = False
    progress: Callable[[dict[str, Any], Engine], dict[str, Any]] = _as_it_is
    watched: Callable[[dict[str, Any], Engine], dict[str, Any]] = _as_it_is
    preview: Preview = Preview()
    updated: Callable[[dict[str, Any]], Any] = _null

    def serves(self, method: str, path: str) -> bool:
        """Whether this server has a route; those that steer the stand-in are always there."""
        name = path.removeprefix(API)
        listed = method == "GET" and name in self.lists
        return path.startswith("/demo/") or listed or f"{method} {name}" in self.actions
