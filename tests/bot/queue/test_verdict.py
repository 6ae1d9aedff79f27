"""Which trouble a job survives: the whole table, for every error that a painter can raise."""

from __future__ import annotations

import pytest

from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
    BrokenPicture,
    EaselError,
)
from bot.queue.worker import MAX_FAILURES, Retry, verdict

FREE = Retry(1.0, counted=False)
COUNTED = Retry(1.0, counted=True)
TABLE: list[tuple[EaselError, int, Retry | None]] = [
    (BackendBusy(), 0, Retry(5.0, counted=False)),
    (BackendBusy(retry_after=12.5), 0, Retry(12.5, counted=False)),
    (BackendBusy(), 50, Retry(5.0, counted=False)),
    (BackendUnreachable(), 0, FREE),
    (BackendUnreachable(), 50, FREE),
    (BackendUnreachable(taken=True), 0, COUNTED),
    (BackendUnreachable(taken=True), 1, COUNTED),
    (BackendUnreachable(taken=True), 2, None),
    (BackendTimeout(), 0, None),
    (BackendRejectedCredentials(), 0, None),
    (BackendOutOfMemory(), 0, None),
    (BackendRefused(), 0, None),
    (BackendFailed(), 0, None),
    (BackendBadAnswer(), 0, None),
    (BackendError(), 0, None),
    (BrokenPicture(), 0, None),
]


@pytest.mark.parametrize(("error", "failures", "expected"), TABLE)
def test_the_table(error: EaselError, failures: int, expected: Retry | None) -> None:
    assert verdict(error, failures) == expected


def test_the_table_is_complete() -> None:
    asked = {type(error) for error, _, _ in TABLE}
    assert asked >= {BackendError, *BackendError.__subclasses__()}


def test_what_calls_itself_retryable_is_tried_again_and_nothing_else() -> None:
    for kind in BackendError.__subclasses__():
        assert (verdict(kind(), 0) is not None) == kind.retryable


def test_a_try_that_broke_is_made_three_times() -> None:
    tries = 1
    while (retry := verdict(BackendUnreachable(taken=True), tries - 1)) is not None:
        assert retry.counted
        tries += 1
    assert tries == MAX_FAILURES == 3
