"""New checkpoints: rows that wait for their files, and rows whose files come from the web."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlparse

from bot.demo.servers.extension.desk import Desk
from bot.demo.servers.extension.tables import Checkpoint, new_id, now

STATUSES: Final = ("Initial", "Active", "Disabled")
_MODEL_FILES: Final = (".pt", ".pth", ".ckpt", ".safetensors", ".yaml")


def awaited(desk: Desk, asked: dict[str, Any]) -> tuple[Checkpoint, dict[str, list[str]]]:
    """A new row in the table without its files, and for each file one URL per part."""
    parts = {file["filename"]: int(file["parts_number"]) for file in asked["filenames"]}
    row = Checkpoint(asked["checkpoint_type"], tuple(parts), "Initial")
    keys = {name: f"{row.folder}/{name}" for name in parts}
    uploads = {
        name: {"upload_id": new_id(), "bucket": desk.tables.bucket, "key": key}
        for name, key in keys.items()
    }
    row.params = {**asked["params"], "created": now(), "multipart_upload": uploads}
    desk.tables.checkpoints.append(row)
    urls = {name: [desk.s3.presigned("PUT", keys[name])] * count for name, count in parts.items()}
    return row, urls


def fetched(kind: str, names: Sequence[str], params: dict[str, Any]) -> Checkpoint:
    """A row whose files came from the web; the stand-in fetches nothing."""
    uploads = dict.fromkeys(names)
    return Checkpoint(kind, names, params={**params, "created": now(), "multipart_upload": uploads})


def file_of(url: str) -> str | None:
    """The model file that a URL names, None if it ends like none."""
    path = PurePosixPath(urlparse(url).path)
    return path.name if path.suffix in _MODEL_FILES else None
