"""From Discord's interaction to our plain values: who came, and where the answer goes."""

from __future__ import annotations

import discord

from bot.values.guest import TOKEN_SECONDS, Address, Guest

DEFAULT_UPLOAD_BYTES = 10 << 20
"""What every server allows for each file (contracts: discord 8)."""


def guest_of(interaction: discord.Interaction) -> Guest:
    """Who pressed or typed, with the permissions that came with the interaction."""
    user = interaction.user
    if user is None:
        raise ValueError("an interaction without a user")
    return Guest(
        user_id=user.id,
        name=user.display_name,
        guild_id=interaction.guild_id,
        can_manage=interaction.permissions.manage_messages,
        channel_id=interaction.channel_id,
        can_admin=interaction.permissions.manage_guild,
        roles=tuple(r.id for r in user.roles) if isinstance(user, discord.Member) else (),
    )


def address_of(
    interaction: discord.Interaction, *, private: bool, spoiler: bool = False
) -> Address:
    """Where the answer goes; the message's id is known once Discord has taken the first answer."""
    owners = interaction.authorizing_integration_owners
    in_bot_dm = interaction.context is discord.InteractionContextType.bot_dm
    return Address(
        interaction_id=interaction.id,
        application_id=interaction.application_id,
        token=interaction.token,
        expires_at=interaction.created_at.timestamp() + TOKEN_SECONDS,
        channel_id=interaction.channel_id,
        message_id=None,
        private=private,
        upload_limit=interaction.attachment_size_limit or DEFAULT_UPLOAD_BYTES,
        reachable=in_bot_dm or owners.guild_id is not None,
        spoiler=spoiler,
    )
