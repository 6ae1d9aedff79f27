"""How Discord says no: a status, a JSON code, a sentence and, for forms, where the fault lies.

Every rule of the stand-in raises a `Refusal`; the REST half turns it into the answer
`{"message", "code", "errors"}`. Codes are those of Discord's table of JSON error codes.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.demo.discord.wire import Json

Where = tuple[str | int, ...]


class Refusal(Exception):
    """One refused request: HTTP status, Discord's code, its sentence, nested form errors."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: Json | None = None,
        extra: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.extra = extra or {}
        self.headers = dict(headers or {})

    def body(self) -> Json:
        body: Json = {"message": self.message, "code": self.code, **self.extra}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


class Problems:
    """The faults of one body, each at its place, told together as code 50035."""

    def __init__(self, prefix: Where = ()) -> None:
        self._prefix = prefix
        self._tree: Json = {}

    def add(self, where: Where, code: str, message: str) -> None:
        node = self._tree
        for step in (*self._prefix, *where):
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def refusal(self) -> Refusal:
        return Refusal(400, 50035, "Invalid Form Body", errors=self._tree)

    def raise_if_any(self) -> None:
        """Raises:
        Refusal: 400 with code 50035 when anything was added.
        """
        if self._tree:
            raise self.refusal()


def invalid_form(where: Where, code: str, message: str) -> Refusal:
    """One fault in a body, code 50035."""
    problems = Problems()
    problems.add(where, code, message)
    return problems.refusal()


def unauthorized() -> Refusal:
    return Refusal(401, 0, "401: Unauthorized")


def no_such_route() -> Refusal:
    return Refusal(404, 0, "404: Not Found")


def no_such_method() -> Refusal:
    return Refusal(405, 0, "405: Method Not Allowed")


def unknown_application() -> Refusal:
    return Refusal(404, 10002, "Unknown Application")


def unknown_channel() -> Refusal:
    return Refusal(404, 10003, "Unknown Channel")


def unknown_guild() -> Refusal:
    return Refusal(404, 10004, "Unknown Guild")


def unknown_member() -> Refusal:
    return Refusal(404, 10007, "Unknown Member")


def unknown_message() -> Refusal:
    return Refusal(404, 10008, "Unknown Message")


def unknown_user() -> Refusal:
    return Refusal(404, 10013, "Unknown User")


def unknown_webhook() -> Refusal:
    return Refusal(404, 10015, "Unknown Webhook")


def unknown_interaction() -> Refusal:
    return Refusal(404, 10062, "Unknown interaction")


def unknown_command() -> Refusal:
    return Refusal(404, 10063, "Unknown application command")


def already_acknowledged() -> Refusal:
    return Refusal(400, 40060, "Interaction has already been acknowledged.")


def too_many_followups() -> Refusal:
    message = "This interaction has reached the maximum number of follow-up messages"
    return Refusal(400, 40094, message)


def token_ended() -> Refusal:
    return Refusal(401, 50027, "Invalid Webhook Token")


def too_large() -> Refusal:
    return Refusal(413, 40005, "Request entity too large")


def empty_message() -> Refusal:
    return Refusal(400, 50006, "Cannot send an empty message")


def missing_access() -> Refusal:
    return Refusal(403, 50001, "Missing Access")


def missing_permissions() -> Refusal:
    return Refusal(403, 50013, "Missing Permissions")


def not_the_author() -> Refusal:
    return Refusal(403, 50005, "Cannot edit a message authored by another user")


def closed_dms() -> Refusal:
    return Refusal(403, 50007, "Cannot send messages to this user")


def uploaded_file_not_found() -> Refusal:
    return Refusal(400, 50146, "Uploaded file not found.")
