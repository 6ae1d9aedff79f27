"""What all tests share: quiet logs, a calm hypothesis, houses by the module."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from bot import log
from tests.house import House, open_house

# EXAMPLES=1000 make test looks further; the usual run must stay short.
settings.register_profile(
    "easel",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    max_examples=int(os.environ.get("EXAMPLES", "30")),
)
settings.load_profile("easel")


@pytest.fixture(autouse=True, scope="session")
def _logs() -> None:
    log.setup("INFO")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house that the tests of one module share; they leave it as they found it."""
    folder: Path = tmp_path_factory.mktemp("house")
    async with open_house(folder, record=folder / "session.jsonl") as opened:
        yield opened
