"""Serving attachments: exact bytes, the right content type, links that end.

`/cdn/attachments/{channel}/{attachment}/{name}?ex&is&hm`; `download=1` asks for a download.
"""

from __future__ import annotations

from aiohttp import web

from bot.demo.discord.files import FileStore

_SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/")


async def serve(files: FileStore, request: web.Request) -> web.Response:
    """The bytes of one file; 404 for a link that ended, was not signed, or names no file."""
    place = request.match_info
    stored = files.get(place["attachment"])
    known = stored is not None and (stored.channel_id, stored.filename) == (
        place["channel"],
        place["name"],
    )
    if stored is None or not known or not files.admits(stored.id, request.query):
        return web.Response(status=404, text="This content is no longer available.")
    inline = stored.content_type.startswith(_SHOWN_INLINE) and "download" not in request.query
    kind = "inline" if inline else "attachment"
    return web.Response(
        body=stored.data,
        headers={
            "Content-Type": stored.content_type,
            "Content-Disposition": f'{kind}; filename="{stored.filename}"',
            "Cache-Control": "private, max-age=86400",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )
