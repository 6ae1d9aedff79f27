"""Records what your own image server answers, for one that `tests/recordings` lacks.

    python tests/record.py http://host:7860 --user me --out tests/recordings/mine/1.0

It only looks: listings, progress, who must sign in, how a missing route sounds. With `--draw` it
asks for exactly one picture of 64x64. Passwords, paths, pictures and styles never reach the
files. Needs nothing but Python; the files are read by tests/bot/demo/servers/test_recordings.py.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

API = "/sdapi/v1"
LARGEST_BODY = 64 << 20
MOST_ITEMS = 30
LONGEST_TEXT = 300
LISTS = (
    *("options", "sd-models", "samplers", "schedulers", "upscalers", "latent-upscale-modes"),
    *("sd-vae", "sd-modules", "loras", "embeddings", "hypernetworks", "prompt-styles"),
    *("face-restorers", "realesrgan-models", "scripts", "memory"),
)
# Never /cmd-flags: it holds the server's password in clear (contract sdapi, trap 12).
WATCH = {"id_task": "easel-recorder", "id_live_preview": -1, "live_preview": False}
ONE_PICTURE = {"prompt": "a cat", "steps": 1, "width": 64, "height": 64, "seed": 42}
SHOWN_OPTIONS = frozenset(
    {"sd_model_checkpoint", "sd_vae", "samples_format", "live_previews_image_format"}
)
_SECRET_KEY = re.compile(r"pass|secret|token|key|auth|credential|bearer|cookie", re.IGNORECASE)
_PICTURE = re.compile(r"^(data:[\w/+.-]+;base64,)?([A-Za-z0-9+/\r\n]{256,}={0,2})$")
_PATH = re.compile(r"""(?<![\w:/\\<])(?:[A-Za-z]:[\\/]|\\\\|~?/)(?:[^\n"'<>|:*?\\/]+[\\/])+""")


@dataclass(frozen=True)
class Probe:
    """One request; `authorization` is "none", "wrong", or None for the right password."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    authorization: str | None = None


def probes(signed: bool, draw: bool) -> dict[str, list[Probe]]:
    """What is asked, by the file that it goes to."""
    options = f"{API}/options"
    found = {
        "lists": [Probe(name, "GET", f"{API}/{name}") for name in LISTS],
        "progress": [
            Probe("progress", "GET", f"{API}/progress?skip_current_image=true"),
            Probe("by a task's id", "POST", "/internal/progress", WATCH),
        ],
        "errors": [
            Probe("an absent route", "GET", f"{API}/easel-is-not-here"),
            Probe("a wrong verb", "GET", f"{API}/txt2img"),
        ],
    }
    if signed:
        found["authentication"] = [
            Probe("no password", "GET", options, authorization="none"),
            Probe("a wrong password", "GET", options, authorization="wrong"),
            Probe("LoRAs without a password", "GET", f"{API}/loras", authorization="none"),
        ]
    if draw:
        found["txt2img"] = [Probe("one picture", "POST", f"{API}/txt2img", ONE_PICTURE)]
    return found


@dataclass(frozen=True)
class Answer:
    """Status, the two headers that tell something, and the whole body."""

    status: int
    content_type: str | None
    challenge: str | None
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a password must not go to another place."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class Server:
    """The server that is recorded."""

    url: str
    user: str | None
    password: str | None
    bearer: str | None
    timeout: float

    def ask(self, probe: Probe) -> Answer:
        """One request. Raises OSError or HTTPException if there is no answer."""
        data = None if probe.body is None else json.dumps(probe.body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        authorization = self._authorization(probe.authorization)
        if authorization:
            headers["Authorization"] = authorization
        request = urllib.request.Request(
            self.url + probe.path, data=data, headers=headers, method=probe.method
        )
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=self.timeout) as response:
                return _read(response)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error)

    def _authorization(self, which: str | None) -> str | None:
        if which == "none":
            return None
        if self.bearer is not None:
            return f"Bearer {'wrong' if which else self.bearer}"
        if self.user is None:
            return None
        pair = f"{self.user}:{'wrong' if which else self.password}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _read(response: HTTPResponse | urllib.error.HTTPError) -> Answer:
    headers = response.headers
    kind, challenge = headers.get("Content-Type"), headers.get("WWW-Authenticate")
    return Answer(response.status or 0, kind, challenge, response.read(LARGEST_BODY))


@dataclass(frozen=True)
class Mask:
    """Takes out what is nobody's business; `secrets` are replaced wherever they stand."""

    secrets: tuple[str, ...]
    _words: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A secret of one or two letters would tear every word apart: it must stand alone.
        forms = (
            re.escape(word) if len(word) > 2 else rf"(?<!\w){re.escape(word)}(?!\w)"
            for word in sorted(self.secrets, key=len, reverse=True)
        )
        object.__setattr__(self, "_words", re.compile("|".join(forms) or r"(?!)"))

    def value(self, value: Any, *, hide: bool = False) -> Any:
        """The same shape without secrets; `hide` masks every string in it."""
        if isinstance(value, dict):
            return {
                self.text(key): self.value(item, hide=hide or bool(_SECRET_KEY.search(key)))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, hide=hide) for item in value[:MOST_ITEMS]]
        if isinstance(value, str):
            return "<text>" if hide and value else self.text(value)
        return value

    def text(self, text: str) -> str:
        """Pictures by their length, paths by their last part."""
        picture = _PICTURE.match(text)
        if picture:
            return f"{picture[1] or ''}<b64 {len(picture[2])}>"
        return _PATH.sub("<path>/", self._words.sub("<secret>", text))


def masked(probe: Probe, body: Any, mask: Mask) -> Any:
    """A body without secrets; what is private in one listing only goes here, too."""
    name = probe.path.removeprefix(f"{API}/")
    if name == "options" and isinstance(body, dict):
        return {k: mask.value(v, hide=k not in SHOWN_OPTIONS) for k, v in body.items()}
    if isinstance(body, list) and name in ("loras", "prompt-styles"):
        rows = [row for row in body[:MOST_ITEMS] if isinstance(row, dict)]
        return [{k: _private(k, v, mask) for k, v in row.items()} for row in rows]
    found = mask.value(body)
    if isinstance(body, dict) and isinstance(body.get("info"), str):
        found["info"] = _json_text(body["info"], mask)
    return found


def _private(key: str, value: Any, mask: Mask) -> Any:
    """Training data can be megabytes; a style's prompts are the operator's own words."""
    if key == "metadata" and isinstance(value, dict):
        return {"…": "…"}
    return mask.value(value, hide=key in ("prompt", "negative_prompt", "extra", "preview"))


def _json_text(text: str, mask: Mask) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return mask.text(text)
    return {"<json>": mask.value(found)}


def exchange(probe: Probe, answer: Answer, mask: Mask) -> dict[str, Any]:
    """One entry of a recording."""
    request: dict[str, Any] = {"method": probe.method, "path": probe.path}
    if probe.authorization:
        request["authorization"] = probe.authorization
    if probe.body is not None:
        request["json"] = probe.body
    said: dict[str, Any] = {"status": answer.status}
    if answer.status == 401:
        said["headers"] = {"WWW-Authenticate": answer.challenge}
    if not answer.body:
        return {"name": probe.name, "request": request, "answer": {**said, "empty": True}}
    try:
        said["json"] = masked(probe, json.loads(answer.body), mask)
    except ValueError:
        text = answer.body[:LONGEST_TEXT].decode("utf-8", "replace")
        said["content_type"], said["text"] = answer.content_type, mask.text(text)
    return {"name": probe.name, "request": request, "answer": said}


def record(server: Server, mask: Mask, draw: bool) -> dict[str, list[dict[str, Any]]]:
    """All exchanges by file. A request that gets no answer is told and left out."""
    signed = server.user is not None or server.bearer is not None
    found: dict[str, list[dict[str, Any]]] = {}
    for name, asked in probes(signed, draw).items():
        for probe in asked:
            try:
                answer = server.ask(probe)
            except (OSError, HTTPException) as error:
                print(f"✗ {probe.method} {probe.path}: no answer ({type(error).__name__})")
                continue
            print(f"✓ {probe.method} {probe.path}: {answer.status}")
            found.setdefault(name, []).append(exchange(probe, answer, mask))
    return found


def write(folder: Path, about: dict[str, Any], found: dict[str, Any]) -> None:
    """`server.json`, and one file for each group of exchanges."""
    today = datetime.now(UTC).date().isoformat()
    source = f"recorded by tests/record.py on {today}; lists cut after {MOST_ITEMS}"
    files = {"server": {**about, "source": source}}
    files |= {name: {"source": source, "exchanges": rows} for name, rows in found.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("url", help="base address, e.g. http://host:7860; a path in it is kept")
    parser.add_argument("--user", help="for HTTP Basic")
    parser.add_argument("--password", help="asked for if only --user is given")
    parser.add_argument("--bearer", help="a token instead")
    parser.add_argument("--out", type=Path, required=True, help="the folder of this version")
    parser.add_argument("--kind", default="unknown", help="which impersonation should answer alike")
    parser.add_argument("--draw", action="store_true", help="also make one picture of 64x64")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for one answer")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when something was recorded, 1 when nothing answered, 2 when the address is none."""
    asked = _arguments(argv)
    address = urlsplit(asked.url)
    if address.scheme not in ("http", "https") or not address.netloc:
        print(f"{asked.url} is no http address")
        return 2
    if asked.user is not None and asked.password is None:
        asked.password = getpass.getpass("Password: ")
    server = Server(asked.url.rstrip("/"), asked.user, asked.password, asked.bearer, asked.timeout)
    pair = f"{asked.user}:{asked.password}" if asked.user is not None else ""
    coded = base64.b64encode(pair.encode()).decode()
    words = (asked.user, asked.password, asked.bearer, pair, coded, address.netloc)
    mask = Mask(tuple(word for word in words if word))
    found = record(server, mask, asked.draw)
    if not found:
        return 1
    account = {"username": "recorder", "password": "recorder"} if pair else {"password": None}
    write(asked.out, {"kind": asked.kind, **account}, found)
    print(f"{len(found) + 1} files in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
