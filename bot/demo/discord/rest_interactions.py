"""First answers of interactions, and the messages that their tokens reach.

`POST /interactions/{id}/{token}/callback` and `/webhooks/{app}/{token}…`: no Authorization, the
token is the key (contract, section 4 no. 3, 7 and 8; section 8 "Interactions").
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.demo.discord import errors, forms, wire
from bot.demo.discord.compose import Draft, write
from bot.demo.discord.errors import Problems
from bot.demo.discord.interactions import FirstAnswer, Interaction, InteractionStore
from bot.demo.discord.limits_components import check_modal
from bot.demo.discord.messages import Message
from bot.demo.discord.modals import numbered_modal
from bot.demo.discord.rest import answer, body_of, edit, new_message, nothing
from bot.demo.discord.wire import EPHEMERAL, LOADING, Json
from bot.demo.discord.world import World

_ANY_NEW = frozenset({wire.REPLY, wire.DEFER})
_ON_MESSAGE = frozenset({wire.DEFER_UPDATE, wire.UPDATE})
_FLAGS_TO_SET = EPHEMERAL | wire.SUPPRESS_NOTIFICATIONS


class InteractionRoutes:
    """The routes that belong to interactions."""

    def __init__(self, world: World, interactions: InteractionStore) -> None:
        self._world = world
        self._interactions = interactions

    def routes(self) -> list[web.RouteDef]:
        hook = "/webhooks/{app}/{token}"
        return [
            web.post("/interactions/{id}/{token}/callback", self.callback),
            web.post(hook, self.follow_up),
            web.get(hook + "/messages/{message}", self.get_message),
            web.patch(hook + "/messages/{message}", self.edit_message),
            web.delete(hook + "/messages/{message}", self.delete_message),
        ]

    # -- the first answer
    async def callback(self, request: web.Request) -> web.Response:
        """The one first answer; 204, or 200 with `with_response=true`."""
        interaction = self._interactions.to_answer(
            request.match_info["id"], request.match_info["token"]
        )
        body = body_of(request)
        asked = body.object()
        kind = self._kind(interaction, asked.get("type"))
        data = asked.get("data")
        draft = Draft(
            data if isinstance(data, dict) else {},
            body.files,
            interaction.upload_limit,
            ("data",),
            by_interaction=True,
        )
        interaction.answered = True
        try:
            first = await self._first(interaction, kind, draft)
        except errors.Refusal:
            interaction.answered = False
            raise
        self._interactions.answer(interaction, first)
        if request.query.get("with_response", "").lower() not in ("true", "1"):
            return nothing()
        return answer(self._callback_body(interaction, kind))

    def _kind(self, interaction: Interaction, kind: Any) -> int:
        """Which first answers fit which interaction."""
        if interaction.type == wire.AUTOCOMPLETE:
            allowed = frozenset({wire.CHOICES})
        else:
            allowed = _ANY_NEW | (_ON_MESSAGE if interaction.source else frozenset())
            if interaction.type != wire.MODAL_SUBMIT:
                allowed |= {wire.MODAL}
        problems = Problems()
        forms.one_of(problems, ("type",), kind, allowed)
        problems.raise_if_any()
        return int(kind)

    async def _first(self, interaction: Interaction, kind: int, draft: Draft) -> FirstAnswer:
        if kind == wire.REPLY:
            return FirstAnswer("message", await self._reply(interaction, draft))
        if kind == wire.DEFER:
            return FirstAnswer("deferred", self._defer(interaction, draft))
        if kind == wire.CHOICES:
            kind = _focused_type(interaction.payload["data"]["options"])
            return FirstAnswer("choices", choices=_choices(draft.data, kind))
        if kind == wire.MODAL:
            problems = Problems(("data",))
            check_modal(problems, draft.data)
            problems.raise_if_any()
            return FirstAnswer("modal", modal=numbered_modal(draft.data))
        source = interaction.source
        if source is None:
            raise errors.unknown_message()
        if kind == wire.UPDATE:
            self._world.message(source.id)
            await edit(self._world, source, draft)
        interaction.original = source
        interaction.own(source)
        return FirstAnswer("update" if kind == wire.UPDATE else "deferred_update", source)

    async def _reply(self, interaction: Interaction, draft: Draft) -> Message:
        message = self._answer_message(interaction, draft.data)
        await write(self._world, message, draft)
        self._publish(interaction, message)
        interaction.original = message
        return message

    def _defer(self, interaction: Interaction, draft: Draft) -> Message:
        if (forms.as_int(draft.data.get("flags")) or 0) & ~EPHEMERAL:
            words = "Only the EPHEMERAL flag can be set on a deferred answer"
            raise errors.invalid_form(("data", "flags"), "FLAGS_INVALID", words)
        message = self._answer_message(interaction, draft.data)
        message.flags |= LOADING
        self._publish(interaction, message)
        interaction.original = message
        return message

    def _answer_message(self, interaction: Interaction, data: Json) -> Message:
        """An empty message of the bot's, which says whom and what it answers."""
        world = self._world
        message = new_message(world, interaction.channel, world.bot)
        message.application_id = world.application_id
        message.interaction = _metadata(interaction)
        message.flags = (forms.as_int(data.get("flags")) or 0) & _FLAGS_TO_SET
        if message.ephemeral:
            message.visible_to = interaction.user.id
        if interaction.source is not None:
            message.type, message.replies_to = wire.MESSAGE_REPLY, interaction.source
        elif interaction.type == wire.COMMAND:
            slash = interaction.payload["data"]["type"] == wire.SLASH
            message.type = wire.MESSAGE_CHAT_INPUT if slash else wire.MESSAGE_CONTEXT_MENU
        return message

    def _publish(self, interaction: Interaction, message: Message) -> None:
        interaction.own(message)
        self._world.add(message)

    def _callback_body(self, interaction: Interaction, kind: int) -> Json:
        told: Json = {"id": interaction.id, "type": interaction.type}
        message = interaction.original
        if message is None or kind in (wire.CHOICES, wire.MODAL):
            return {"interaction": told}
        told |= {
            "response_message_id": message.id,
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        return {
            "interaction": told,
            "resource": {"type": kind, "message": self._world.render(message)},
        }

    # -- later, through the token
    async def follow_up(self, request: web.Request) -> web.Response:
        """A new message; right after a deferral it finishes the loading message instead."""
        interaction = self._by_token(request)
        body = body_of(request)
        data = body.object()
        self._interactions.count_followup(interaction)
        draft = Draft(data, body.files, interaction.upload_limit, by_interaction=True)
        original = interaction.original
        if original is not None and original.loading and self._world.has(original):
            await edit(self._world, original, draft)
            return answer(self._world.render(original))
        message = self._answer_message(interaction, data)
        if original is not None and self._world.has(original):
            message.type, message.replies_to = wire.MESSAGE_REPLY, original
        await write(self._world, message, draft)
        self._publish(interaction, message)
        return answer(self._world.render(message))

    async def get_message(self, request: web.Request) -> web.Response:
        return answer(self._world.render(self._message(request)))

    async def edit_message(self, request: web.Request) -> web.Response:
        message = self._message(request)
        body = body_of(request)
        limit = self._by_token(request).upload_limit
        draft = Draft(body.object(), body.files, limit, by_interaction=True)
        await edit(self._world, message, draft)
        return answer(self._world.render(message))

    async def delete_message(self, request: web.Request) -> web.Response:
        self._world.remove(self._message(request))
        return nothing()

    def _by_token(self, request: web.Request) -> Interaction:
        if request.match_info["app"] != self._world.application_id:
            raise errors.unknown_webhook()
        return self._interactions.by_token(request.match_info["token"])

    def _message(self, request: web.Request) -> Message:
        """The message that the path names: `@original`, or one that this token made."""
        interaction = self._by_token(request)
        name = request.match_info["message"]
        found = interaction.original if name == "@original" else interaction.messages.get(name)
        if found is None:
            raise errors.unknown_message()
        return self._world.message(found.id)


def _focused_type(options: list[Json]) -> int:
    """The type of the option that the member is typing in."""
    for option in options:
        if option.get("focused"):
            return int(option["type"])
        if "options" in option:
            return _focused_type(option["options"])
    raise ValueError("no option has the focus")


def _choices(data: Json, kind: int) -> list[Json]:
    """Up to 25 suggestions, each a name of up to 100 characters and a value of the option's
    type."""
    problems = Problems(("data",))
    place = ("choices",)
    listed = forms.items(problems, place, data.get("choices"), most=25, required=True)
    for index, choice in enumerate(listed):
        here = (*place, index)
        forms.text(problems, (*here, "name"), choice.get("name"), least=1, most=100, required=True)
        value, place_of_value = choice.get("value"), (*here, "value")
        if kind == wire.STRING or value is None:
            forms.text(problems, place_of_value, value, least=1, most=100, required=True)
        elif not isinstance(value, int | float) or isinstance(value, bool):
            words = f'Value "{value}" is not a number.'
            problems.add(place_of_value, "NUMBER_TYPE_COERCE", words)
    problems.raise_if_any()
    return [{"name": choice["name"], "value": choice["value"]} for choice in listed]


def _metadata(interaction: Interaction) -> Json:
    """`interaction_metadata` of an answer: who asked for it, and with what."""
    told: Json = {
        "id": interaction.id,
        "type": interaction.type,
        "user": interaction.user.render(),
        "authorizing_integration_owners": interaction.payload["authorizing_integration_owners"],
    }
    data = interaction.payload["data"]
    if "name" in data:
        told["name"] = data["name"]
    if "target_id" in data:
        target = "message" if data["type"] == wire.MESSAGE_MENU else "user"
        told[f"target_{target}_id"] = data["target_id"]
    if interaction.source is not None:
        told["interacted_message_id"] = interaction.source.id
    return told
