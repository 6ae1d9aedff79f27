"""The members' side: picking commands, pressing buttons, filling in modals, writing messages.

Builds the INTERACTION_CREATE that Discord would send (contract, section 4 no. 6), sends it
through the gateway and waits for the bot's first answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from bot.demo.discord import wire
from bot.demo.discord.clock import Clock
from bot.demo.discord.errors import Refusal
from bot.demo.discord.gateway import Gateway
from bot.demo.discord.interactions import (
    FIRST_ANSWER_SECONDS,
    FirstAnswer,
    Interaction,
    InteractionStore,
    give_up,
    new_token,
)
from bot.demo.discord.member_forms import component_data, modal_data
from bot.demo.discord.member_options import MemberError, OptionChecker
from bot.demo.discord.messages import Message
from bot.demo.discord.people import Channel, User
from bot.demo.discord.recorder import Recorder
from bot.demo.discord.wire import Json
from bot.demo.discord.world import World

IN_GUILD, IN_BOT_DM, IN_PRIVATE = 0, 1, 2


@dataclass(frozen=True)
class OpenModal:
    """A modal on a member's screen, and the message whose button opened it."""

    modal: Json
    source: Message | None


class Members:
    """What members do with the bot."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        interactions: InteractionStore,
        gateway: Gateway,
        recorder: Recorder,
    ) -> None:
        self._world = world
        self._clock = clock
        self._interactions = interactions
        self._gateway = gateway
        self._recorder = recorder
        self._modals: dict[tuple[str, str], OpenModal] = {}

    async def interact(self, asked: Json) -> Json:
        """Do what the page API's `POST /page/interactions` describes, and its answer.

        `user_install` true makes it an interaction authorised by a user's own installation.

        Raises:
            MemberError: Discord's client would not send this.
        """
        try:
            interaction = self._open(asked)
        except Refusal as refusal:
            raise MemberError(f"{refusal.message}.") from None
        self._interactions.open(interaction)
        self.send(interaction)
        try:
            answer = await asyncio.wait_for(
                asyncio.shield(interaction.first), timeout=FIRST_ANSWER_SECONDS
            )
        except TimeoutError:
            give_up(interaction)
            answer = interaction.first.result()
        return self._told(interaction, answer)

    def send(self, interaction: Interaction) -> None:
        """Send an interaction's event (again, when it was sent before)."""
        self._recorder.interaction(interaction.payload)
        self._gateway.dispatch("INTERACTION_CREATE", interaction.payload)

    def _told(self, interaction: Interaction, answer: FirstAnswer) -> Json:
        if answer.modal is not None:
            key = (interaction.user.id, answer.modal["custom_id"])
            self._modals[key] = OpenModal(answer.modal, interaction.source)
        return {
            "id": interaction.id,
            "outcome": answer.outcome,
            "message_id": answer.message.id if answer.message else None,
            "choices": answer.choices,
            "modal": answer.modal,
        }

    # -- building
    def _open(self, asked: Json) -> Interaction:
        user = self._world.user(str(asked.get("user")))
        channel = self._world.channel_for(user, str(asked.get("channel")))
        data = asked.get("data")
        if not isinstance(data, dict):
            raise MemberError("An interaction needs its data.")
        kind = asked.get("type")
        source: Message | None = None
        if kind in (wire.COMMAND, wire.AUTOCOMPLETE):
            data = self._command_data(user, channel, data, autocomplete=kind == wire.AUTOCOMPLETE)
        elif kind == wire.COMPONENT:
            source = self._visible(user, channel, str(asked.get("message")))
            data = component_data(source, data, OptionChecker(self._world, autocomplete=False))
        elif kind == wire.MODAL_SUBMIT:
            shown = self._modals.get((user.id, str(data.get("custom_id"))))
            if shown is None:
                raise MemberError("That modal is not open.")
            source = shown.source
            checker = OptionChecker(self._world, autocomplete=False)
            data = modal_data(shown.modal, data, checker)
            del self._modals[(user.id, data["custom_id"])]
        else:
            raise MemberError("An interaction is of type 2, 3, 4 or 5.")
        own_install = bool(asked.get("user_install"))
        return self._build(kind, user, channel, data, source, own_install=own_install)

    def _command_data(
        self, user: User, channel: Channel, data: Json, *, autocomplete: bool
    ) -> Json:
        kind = data.get("type", wire.SLASH)
        guild = None if channel.is_dm else self._world.guild_id
        command = next(
            (
                c
                for c in self._world.commands.visible(guild)
                if c["name"] == data.get("name") and c["type"] == kind
            ),
            None,
        )
        if command is None:
            raise MemberError(f"There is no command “{data.get('name')}”.")
        _may_use(command, user, channel)
        checker = OptionChecker(self._world, autocomplete=autocomplete)
        sent: Json = {"id": command["id"], "name": command["name"], "type": kind}
        if "guild_id" in command:
            sent["guild_id"] = command["guild_id"]
        if kind == wire.SLASH:
            sent["options"] = checker.check(command["options"], data.get("options") or [])
            if autocomplete and checker.focused != 1:
                raise MemberError("One option has the focus.")
        else:
            sent["target_id"] = self._target(user, channel, kind, data, checker)
        return sent | {"resolved": checker.resolved} if checker.resolved else sent

    def _target(
        self, user: User, channel: Channel, kind: Any, data: Json, checker: OptionChecker
    ) -> str:
        target = str(data.get("target_id"))
        if kind == wire.USER_MENU:
            return checker.add_user(target)
        message = self._visible(user, channel, target)
        checker.resolved["messages"] = {message.id: self._world.render(message)}
        return message.id

    def _visible(self, user: User, channel: Channel, message_id: str) -> Message:
        message = self._world.message(message_id)
        if message.channel.id != channel.id or not message.seen_by(user):
            raise MemberError("That message is not here.")
        return message

    def _build(
        self,
        kind: int,
        user: User,
        channel: Channel,
        data: Json,
        source: Message | None,
        *,
        own_install: bool,
    ) -> Interaction:
        interaction_id, token = self._world.snowflakes.next(), new_token()
        payload: Json = {
            "id": interaction_id,
            "application_id": self._world.application_id,
            "type": kind,
            "data": data,
            "token": token,
            "version": 1,
            "channel": channel.render(),
            "channel_id": channel.id,
            "app_permissions": str(channel.bot_permissions),
            "entitlements": [],
            "locale": "en-US",
            "attachment_size_limit": self._world.upload_limit,
            **self._where(user, channel, own_install=own_install),
        }
        if source is not None:
            payload["message"] = self._world.render(source)
        return Interaction(
            id=interaction_id,
            token=token,
            type=kind,
            user=user,
            channel=channel,
            started=self._clock.now(),
            upload_limit=self._world.upload_limit,
            user_install_only=own_install,
            payload=payload,
            first=asyncio.get_running_loop().create_future(),
            source=source,
        )

    def _where(self, user: User, channel: Channel, *, own_install: bool) -> Json:
        """Who asks and from where: a member in the guild, a user in a DM."""
        guild_id = self._world.guild_id
        if channel.is_dm:
            return {
                "user": user.render(),
                "context": IN_PRIVATE if own_install else IN_BOT_DM,
                "authorizing_integration_owners": {"1": user.id} if own_install else {"0": "0"},
            }
        shown: Json = {
            "guild_id": guild_id,
            "guild": {"id": guild_id, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": user.render_member(),
            "context": IN_GUILD,
            "authorizing_integration_owners": {"1": user.id} if own_install else {"0": guild_id},
        }
        if own_install:
            del shown["guild"]
        return shown


def _may_use(command: Json, user: User, channel: Channel) -> None:
    """Raises:
    MemberError: the command is not for this place, or not for this member.
    """
    contexts = command["contexts"]
    here = IN_BOT_DM if channel.is_dm else IN_GUILD
    if contexts is not None and here not in contexts:
        raise MemberError(f"“{command['name']}” cannot be used here.")
    if contexts is None and channel.is_dm and not command["dm_permission"]:
        raise MemberError(f"“{command['name']}” cannot be used here.")
    needed = command["default_member_permissions"]
    if needed is None or channel.is_dm:
        return
    if user.permissions & int(needed) != int(needed) or (int(needed) == 0 and not user.admin):
        raise MemberError(f"“{command['name']}” is not for you.")
