"""Problems of a body in the words of pydantic 1 (A1111) and pydantic 2 (Forge).

Source: contract, section 1 "Errors", and the recorded 422s (sdapi-recorded, sections 2, 7, 8).
"""

from __future__ import annotations

from typing import Any, Final

from bot.demo.servers.sdapi.errors import Problem

V1: Final = {
    "int": ("value is not a valid integer", "type_error.integer"),
    "fraction": ("value is not a valid integer", "type_error.integer"),
    "float": ("value is not a valid float", "type_error.float"),
    "bool": ("value could not be parsed to a boolean", "type_error.bool"),
    "str": ("str type expected", "type_error.str"),
    "list": ("value is not a valid list", "type_error.list"),
    "dict": ("value is not a valid dict", "type_error.dict"),
    "none": ("none is not an allowed value", "type_error.none.not_allowed"),
    "missing": ("field required", "value_error.missing"),
    "gt": ("ensure this value is greater than {limit}", "value_error.number.not_gt"),
    "ge": ("ensure this value is greater than or equal to {limit}", "value_error.number.not_ge"),
    "le": ("ensure this value is less than or equal to {limit}", "value_error.number.not_le"),
    "const": ("unexpected value; permitted: {permitted}", "value_error.const"),
    "json": ("{words}", "value_error.jsondecode"),
}
_V2: Final = {
    "int": ("Input should be a valid integer, unable to parse string as an integer", "int_parsing"),
    "fraction": (
        "Input should be a valid integer, got a number with a fractional part",
        "int_from_float",
    ),
    "float": (
        "Input should be a valid number, unable to parse string as a number",
        "float_parsing",
    ),
    "bool": ("Input should be a valid boolean, unable to interpret input", "bool_parsing"),
    "str": ("Input should be a valid string", "string_type"),
    "list": ("Input should be a valid list", "list_type"),
    "dict": ("Input should be a valid dictionary", "dict_type"),
    "none": ("Input should be a valid string", "string_type"),
    "missing": ("Field required", "missing"),
    "gt": ("Input should be greater than {limit}", "greater_than"),
    "ge": ("Input should be greater than or equal to {limit}", "greater_than_equal"),
    "le": ("Input should be less than or equal to {limit}", "less_than_equal"),
    "const": ("Input should be {permitted}", "literal_error"),
}
_URL: Final = "https://errors.pydantic.dev/2.8/v/"


def pydantic1(problem: Problem) -> dict[str, Any]:
    """One entry of ``detail``; broken JSON comes with the whole body as ``ctx.doc``."""
    message, name = V1[problem.kind]
    facts = dict(problem.facts)
    shown = {**facts, "permitted": ", ".join(map(str, facts.get("permitted", ())))}
    row = {"loc": list(problem.loc), "msg": message.format(**shown), "type": name}
    if problem.kind == "json":
        facts.pop("words")
    elif problem.kind == "const":
        facts = {"given": problem.given, "permitted": list(facts["permitted"])}
    elif facts:
        facts = {"limit_value": facts["limit"]}
    return {**row, "ctx": facts} if facts else row


def pydantic2(problem: Problem) -> dict[str, Any]:
    """One entry of ``detail``: type, loc, msg, input, and mostly ctx and url."""
    loc, facts = list(problem.loc), dict(problem.facts)
    if problem.kind == "json":
        context = {"error": facts["msg"]}
        words = {"type": "json_invalid", "msg": "JSON decode error"}
        return {**words, "loc": loc, "input": {}, "ctx": context}
    message, name = _V2[problem.kind]
    permitted = " or ".join(map(str, facts.get("permitted", ())))
    message = message.format(**{**facts, "permitted": permitted})
    row: dict[str, Any] = {"type": name, "loc": loc, "msg": message, "input": problem.given}
    if problem.kind == "const":
        row["ctx"] = {"expected": permitted}
    elif facts:
        row["ctx"] = {problem.kind: facts["limit"]}
    # FastAPI itself, not pydantic, misses a whole body: no page explains that.
    return row if problem.loc == ("body",) else {**row, "url": _URL + name}
