"""What is old is forgotten while the bot runs, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.house import SMALL, open_house


async def test_old_orders_are_forgotten_and_new_ones_are_kept(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.draw(f"/draw prompt:long ago {SMALL}")
        await house.draw(f"/draw prompt:just now {SMALL}")
        await house.quiet()
        await house.stop()
        with closing(sqlite3.connect(tmp_path / "easel.db")) as file:
            file.execute(
                "UPDATE jobs SET created_at = created_at - 9e6, ended_at = ended_at - 9e6 "
                "WHERE request LIKE '%long ago%'"
            )
            file.commit()
        await house.start()

        def kept() -> list[str]:
            with closing(sqlite3.connect(tmp_path / "easel.db")) as file:
                return [row[0] for row in file.execute("SELECT request FROM jobs")]

        await house.until(lambda: len(kept()) == 1)
        assert "just now" in kept()[0]
