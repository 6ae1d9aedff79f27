"""Records a whole session for the check against Discord's own description of its API.

`python tests/journeys/record_session.py FILE.jsonl` plays /draw, Again, Delete, Cancel, a
refusal, an error and more through the real bot, and writes what it sent.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

from cogs._ui import arrivals
from tests.house import SMALL, House, open_house

SLOW = "width:64 height:64 steps:40"


async def record(target: Path) -> None:
    """Plays the session. Raises AssertionError when a line does not end as it should."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_house(Path(folder), step_seconds=0.25, record=target) as house:
            await _play(house)


async def _play(house: House) -> None:
    async with house.player() as player:
        lines = {
            f"/draw prompt:a maltese puppy {SMALL} seed:7 count:2": True,
            "press Again": True,
            "press Delete": True,
            f"/draw prompt:a private matter {SMALL} private:true": True,
            "/draw prompt:x sampler:nothing like it": False,
            "/draw prompt:x width:4096 height:4096": False,
            f"/draw prompt:a slow tree {SLOW} &": True,
        }
        for line, well in lines.items():
            assert (await player.say(line)).ok is well, line
        await house.until(lambda: house.painting)
        await player.say("press Cancel")
        house.server.faults.add("oom")
        assert not (await player.say(f"/draw prompt:too much {SMALL}")).ok
        assert (await player.say("press Try again")).ok
        for line in ("/models", "press Samplers", "/models search:xl", "/switch-model model:flux"):
            assert (await player.say(line)).ok, line
        await player.say("as admin")
        for line in ("/server", "select steps", "fill value:9", "/server setting:steps"):
            assert (await player.say(line)).ok, line
        await player.say("as ada")
        await player.say("in dm")
        assert (await player.say(f"/draw prompt:a letter {SMALL}")).ok
        await player.say("in easel")
        await _later(house)
    option = {"name": "model", "type": 3, "value": "xl", "focused": True}
    data = {"name": "draw", "type": 1, "options": [option]}
    await house.standin.interact({"user": "bob", "channel": "easel", "type": 4, "data": data})


async def _later(house: House) -> None:
    """The ways after the token's end, as if it came a second after the answer."""
    with patch.object(arrivals, "TOKEN_SECONDS", 21):
        for private in (False, True):
            await house.order(prompt="a long night", steps=40, private=private)
            await house.until(lambda: house.painting)
            await house.quiet()


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
