"""A local stand-in for Discord: its REST half, its gateway, a small world and a page's server.

It knows Discord's wire and nothing of Easel: a real py-cord bot signs in, registers commands
and answers members, while everything stays on this machine. It enforces Discord's documented
limits, records what the bot asked, and breaks things when told to.
"""

from bot.demo.discord.server import DiscordStandIn

__all__ = ["DiscordStandIn"]
