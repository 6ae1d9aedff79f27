"""One line per fact: an action, then ids and figures; secrets masked wherever they stand.

`get(room)` gives a logger whose first argument is the action in a few words and whose
keywords are facts: `log.info("job accepted", job=12, guild=…)`. `setup` chooses text or JSON
and takes over the standard library's loggers (py-cord, aiohttp), so that one stream tells all.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

_MASK = "•••"


def get(room: str) -> FilteringBoundLogger:
    """A logger for one room of the house, e.g. `get("queue")`."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(f"easel.{room}"))


def setup(level: str = "INFO", style: str = "text", secrets: Iterable[str] = ()) -> None:
    """Configures all logging of the process, to standard error.

    `style` is "text" or "json". Every value in `secrets` is replaced before a line is written,
    also inside tracebacks.
    """
    hidden = sorted({form for s in secrets if len(s) >= 4 for form in _forms(s)}, key=len)[::-1]
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _Mask(hidden),
            _short,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Foreign libraries talk more than an operator wants to read.
    for name in ("discord", "alembic", "asyncio", "aiohttp.access", "sqlalchemy"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _forms(secret: str) -> set[str]:
    """The secret as it is, and as Python and JSON write it inside quotation marks."""
    return {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }


class _Mask:
    """Replaces secrets in every text of a line, tracebacks among them, before it is rendered.

    Before, not after: the finished line holds a secret escaped, and its own words and figures.
    """

    def __init__(self, hidden: list[str]) -> None:
        self._hidden = hidden

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self._masked(value) for key, value in event.items()}

    def _masked(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._masked(k): self._masked(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(v) for v in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        text = str(value)
        for secret in self._hidden:
            text = text.replace(secret, _MASK)
        return text


def _short(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # A foreign message can carry a whole response body; a log line should stay a line.
    text = event.get("event")
    if isinstance(text, str) and len(text) > 2000:
        event["event"] = text[:2000] + "…"
    return event
