"""Plays lines of `--say` as members would, over the page's own interface.

One player holds a view for each member that speaks, follows each line's message until it is
done, says what the channels show as it changes, and keeps files and a transcript.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, assert_never

import aiohttp

from bot.demo.controls import ComponentType, find_button, find_choice, read_fields
from bot.demo.follow import Act, Ending, Patience, follow
from bot.demo.member import DM, Member, Page
from bot.demo.say import (
    As,
    Fill,
    In,
    Json,
    Menu,
    PlayError,
    Post,
    Press,
    Select,
    Slash,
    Step,
    Wait,
    parse,
)
from bot.demo.slash import MESSAGE_MENU, Upload, find_command, read_slash
from bot.demo.transcript import Keeper, Teller, transcript

_COMMAND, _COMPONENT, _MODAL_SUBMIT = 2, 3, 5  # Discord's interaction types
_APPEARS_SECONDS = 5.0


Found = TypeVar("Found")


@dataclass(frozen=True)
class LineResult:
    """How a line ended. `message` is the message it led to as last seen (None: none, or deleted).

    `seconds` runs from sending to that message's last change, or to the failure.
    """

    line: str
    ok: bool
    reason: str | None
    message: Json | None
    seconds: float


@dataclass(frozen=True)
class _Form:
    """A modal that the bot has opened for a member."""

    modal: Json
    channel_id: str
    message_id: str | None


def exit_code(results: Iterable[LineResult]) -> int:
    """0 if each line ended well, else 1."""
    return 0 if all(result.ok for result in results) else 1


class Player:
    """Plays lines against the stand-in at `base_url`; an async context manager.

    `timeout` is for one line, `settle` how long a message must rest to be done, both in seconds.
    An answer whose embed or container has `error_colour` (0xRRGGBB) fails its line. With `out`,
    every file that the bot posts is saved there, and `transcript.json` when the player closes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        user: str = "ada",
        channel: str = "easel",
        error_colour: int,
        timeout: float = 120.0,
        settle: float = 0.5,
        out: Path | None = None,
        echo: Callable[[str], None] | None = None,
    ) -> None:
        self._base_url = base_url
        self._user = user
        self._channel_name = channel
        self._patience = Patience(error_colour, timeout, settle)
        self._out = out
        self._echo = echo or (lambda _: None)
        self._views: dict[str, Member] = {}
        self._outcomes: list[str] = []
        self._form: _Form | None = None
        self._results: list[LineResult] = []
        self._told: list[Json] = []
        self._tasks: set[asyncio.Task[LineResult]] = set()
        self._keeper: Keeper | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        self._page = Page(self._session, self._base_url)
        self._teller = Teller(self._echo, asyncio.get_running_loop().time)
        try:
            if self._out:
                await asyncio.to_thread(self._out.mkdir, parents=True, exist_ok=True)
                complain = self._complain
                self._keeper = Keeper(self._out, self._page.fetch, complain)
            await self._become(self._user)
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None:
                for task in self._tasks:
                    task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for member in self._views.values():
                await member.close()
            if self._out and self._keeper:
                await self._keeper.done()
                await asyncio.to_thread(self._write_transcript, self._out, self._keeper)
        finally:
            await self._session.close()

    async def ready(self, timeout: float = 30.0) -> None:
        """Waits until the bot is online and has registered commands; PlayError after `timeout`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not (self._member.bot.get("online") and self._member.known.commands):
            if loop.time() >= deadline or self._member.closed:
                missing = "no commands" if self._member.bot.get("online") else "not come online"
                raise PlayError(f"After {timeout:g} s the bot has {missing}.")
            await self._member.news(deadline - loop.time())

    async def say_all(self, lines: Iterable[str]) -> list[LineResult]:
        """Plays the lines in order, goes on after a failed one, waits at the end for `&` lines."""
        first = len(self._results)
        for line in lines:
            await self.say(line)
        return (await self.finish())[first:]

    async def finish(self) -> list[LineResult]:
        """Waits for the lines that were not waited for; the results of all lines so far."""
        await asyncio.gather(*self._tasks)
        return list(self._results)

    async def say(self, line: str) -> LineResult:
        """Plays one line. A line with `&` returns when the bot has first answered; see `finish`."""
        loop = asyncio.get_running_loop()
        started, member, where = loop.time(), self._member, self._channel_name
        self._teller.tell(f"{member.name} in {where}", line.strip())
        place = len(self._results)
        self._results.append(LineResult(line.strip(), False, "Interrupted.", None, 0.0))
        self._told.append({"as": member.name, "in": where})
        try:
            parsed = parse(line)
            act = await self._do(parsed.step)
        except PlayError as error:
            return self._end(place, Ending(False, str(error), None, loop.time() - started))
        if act is None:
            return self._end(place, Ending(True, None, None, loop.time() - started))
        if parsed.waits:
            return await self._see_through(place, member, act)
        self._tasks.add(asyncio.create_task(self._see_through(place, member, act)))
        message = member.message(act.target)
        return replace(self._results[place], ok=True, reason="Not waited for.", message=message)

    def messages(self, channel: str | None = None) -> list[Json]:
        """What the present member sees in the present (or named) channel, oldest first."""
        found = self._member.channel(channel or self._channel_name)
        return self._member.messages(found["id"])

    async def _see_through(self, place: int, member: Member, act: Act) -> LineResult:
        ending = await follow(member, act, self._patience, self._outcomes.append)
        return self._end(place, ending)

    def _end(self, place: int, ending: Ending) -> LineResult:
        line = self._results[place].line
        seconds = round(ending.seconds, 3)
        result = LineResult(line, ending.ok, ending.reason, ending.message, seconds)
        self._results[place] = result
        if not result.ok:
            self._complain(f"{line}: {result.reason}")
        return result

    async def _do(self, step: Step) -> Act | None:
        """Does a step; an Act is still to be followed, None is done."""
        match step:
            case Slash(text):
                return await self._act(_COMMAND, read_slash(text, self._member.known))
            case Press(label, nth):
                message, button = await self._on_last(lambda one: find_button(one, label, nth))
                data: Json = {"custom_id": button["custom_id"]}
                data["component_type"] = ComponentType.BUTTON.value
                return await self._act(_COMPONENT, data, message["id"])
            case Select(value):
                known = self._member.known
                message, found = await self._on_last(lambda one: find_choice(one, value, known))
                select, values = found
                data = {"custom_id": select["custom_id"], "component_type": select["type"]}
                return await self._act(_COMPONENT, {**data, "values": values}, message["id"])
            case Menu(name):
                command = find_command(name, MESSAGE_MENU, self._member.known.commands)
                target = (await self._last())[-1]["id"]
                data = {"name": command["name"], "type": MESSAGE_MENU, "target_id": target}
                return await self._act(_COMMAND, data)
            case Fill(text):
                return await self._fill(text)
            case Post() | As() | In() | Wait():
                await self._move(step)
                return None
            case _:
                assert_never(step)

    async def _move(self, step: Post | As | In | Wait) -> None:
        match step:
            case Post(path):
                channel_id = self._member.channel(self._channel_name)["id"]
                posted = await self._member.post(channel_id, Upload(path))
                await self._until(self._member, posted, lambda message: message is not None)
                self._outcomes.append(posted)
            case As(name):
                await self._become(name)
            case In(name):
                self._member.channel(name)
                self._channel_name = name
            case Wait(seconds):
                await asyncio.sleep(seconds)

    async def _become(self, name: str) -> None:
        known = self._views.get(name.casefold())
        if known is None:
            known = Member(self._page, name, self._hear)
            await known.open()
            known = self._views.setdefault(known.name.casefold(), known)
        self._member = known
        self._form = None

    async def _fill(self, text: str) -> Act | None:
        form = self._form
        if form is None:
            raise PlayError("No form is open: the line before has to open one.")
        data = {
            "custom_id": form.modal["custom_id"],
            "components": read_fields(text, form.modal),
        }
        return await self._act(_MODAL_SUBMIT, data, form.message_id, form.channel_id)

    async def _act(
        self, kind: int, data: Json, message_id: str | None = None, channel_id: str | None = None
    ) -> Act | None:
        loop = asyncio.get_running_loop()
        channel_id = channel_id or self._member.channel(self._channel_name)["id"]
        sent = loop.time()
        outcome = await self._member.interact(channel_id, kind, data, message_id)
        self._form = None
        if outcome.kind == "failed":
            raise PlayError("The application did not respond.")
        if outcome.kind == "modal" and outcome.modal:
            self._form = _Form(outcome.modal, channel_id, message_id)
            self._teller.tell(self._member.name, f"a form opens: {outcome.modal['title']}")
            return None
        act = Act(outcome, channel_id, message_id, sent, loop.time())
        await self._until(self._member, act.target, lambda message: message is not None)
        self._outcomes.append(act.target or "")
        return act

    async def _on_last(self, find: Callable[[Json], Found]) -> tuple[Json, Found]:
        """What `find` finds in the last message, or in those that a private last one is about."""
        slips: list[PlayError] = []
        for message in await self._last():
            try:
                return message, find(message)
            except PlayError as slip:
                slips.append(slip)
        raise slips[0]

    async def _last(self) -> list[Json]:
        """The message that the play led to last, visible here; else the bot's last one here.

        After private messages come the earlier ones, up to the first that all can see: a private
        answer does not take away the buttons of the message above it. While the last one is
        still loading there is nothing on it to press, so that is waited for.
        """
        channel_id = self._member.channel(self._channel_name)["id"]
        here = {message["id"]: message for message in self._member.messages(channel_id)}
        ids = [message_id for message_id in self._outcomes if message_id in here]
        ids = ids or [each for each, message in here.items() if self._member.by_bot(message)]
        if not ids:
            raise PlayError(f"There is no message by the bot in {self._channel_name} yet.")
        await self._until(self._member, ids[-1], lambda one: bool(one and not one.get("loading")))
        found: list[Json] = []
        for message_id in dict.fromkeys(reversed(ids)):
            found.append(self._member.message(message_id) or here[message_id])
            if not found[-1].get("ephemeral"):
                break
        return found

    async def _until(
        self, member: Member, message_id: str | None, true: Callable[[Json | None], bool]
    ) -> None:
        """Waits a little until that is true of a message, or the message is gone."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(_APPEARS_SECONDS, self._patience.timeout)
        while message_id and loop.time() < deadline and not member.is_gone(message_id):
            if true(member.message(message_id)):
                return
            await member.news(deadline - loop.time())

    def _hear(self, member: Member, message: Json, gone: bool) -> None:
        if self._keeper and member.by_bot(message):
            self._keeper.see(message)
        channel = next(c for c in member.known.channels if c["id"] == message["channel_id"])
        where = f"@{member.name}" if channel["type"] == DM else f"#{channel['name']}"
        if gone:
            self._teller.take_away(where, message)
        else:
            self._teller.show(where, message, aloud=bool(self._views))

    def _complain(self, text: str) -> None:
        self._teller.tell("✗", text)

    def _write_transcript(self, out: Path, keeper: Keeper) -> None:
        lines = [
            {**asdict(replace(result, message=None)), **told, "message": _id_of(result)}
            for result, told in zip(self._results, self._told, strict=True)
        ]
        found = transcript(self._views.values(), keeper.files, lines)
        text = json.dumps(found, ensure_ascii=False, indent=2)
        (out / "transcript.json").write_text(text + "\n", encoding="utf-8")


def _id_of(result: LineResult) -> str | None:
    return result.message["id"] if result.message else None
