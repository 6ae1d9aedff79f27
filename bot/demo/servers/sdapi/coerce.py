"""How strictly the values of a body are taken: pydantic 1, pydantic 2, a C++ JSON library.

Each table maps the type of a field to a function that gives the value or raises ``Unfit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Coercers = Mapping[str, Callable[[Any], Any]]


class Unfit(Exception):
    """A value of the wrong type; ``path`` leads to it inside its field."""

    def __init__(self, kind: str, path: tuple[int, ...] = ()) -> None:
        super().__init__(kind)
        self.kind = kind
        self.path = path


def _int(value: Any) -> int:
    try:
        if isinstance(value, int | float | str):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise Unfit("int")


def _float(value: Any) -> float:
    try:
        if isinstance(value, int | float | str):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise Unfit("float")


def _bool(value: Any) -> bool:
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, str | int | float):
        if word in ("1", "true", "t", "yes", "y", "on", 1):
            return True
        if word in ("0", "false", "f", "no", "n", "off", 0):
            return False
    raise Unfit("bool")


def _str(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    raise Unfit("str")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unfit("list")
    return value


def _strings(value: Any) -> list[str]:
    for index, item in enumerate(_list(value)):
        if not isinstance(item, str | int | float):
            raise Unfit("str", (index,))
    return [str(item) for item in value]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit("dict")
    return value


def _same(value: Any) -> Any:
    return value


def _whole(value: Any) -> int:
    """pydantic 2 here: 20.0 is an integer, 20.5 and "3" are none (contract, section 2)."""
    if isinstance(value, float) and not value.is_integer():
        raise Unfit("fraction")
    return int(_number(value, "int"))


def _number(value: Any, kind: str = "float") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(kind)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit("str")
    return value


def _texts(value: Any) -> list[str]:
    for index, item in enumerate(_list(value)):
        if not isinstance(item, str):
            raise Unfit("str", (index,))
    return list(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("bool")
    return value


def _list_or_none(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


V1: Final[Coercers] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "str": _str,
    "list": _list,
    "strings": _strings,
    "dict": _dict,
    "any": _same,
}
V2: Final[Coercers] = {**V1, "int": _whole, "str": _text, "strings": _texts}
CPP: Final[Coercers] = {
    **V1,
    "int": lambda value: int(_number(value)),
    "float": _number,
    "bool": _truth,
    "str": _text,
    "list": _list_or_none,  # what is no array is passed over there
}


@dataclass(frozen=True)
class Reading:
    """How one server takes a body.

    ``nulls``: a null is passed on (and breaks something later), refused, or means the default.
    ``never_null`` are fields that refuse null where the others pass it on. ``wrong``: a value of
    the wrong type is refused, or means the default.
    """

    coercers: Coercers = field(default_factory=lambda: V1)
    nulls: Literal["pass", "refuse", "default"] = "pass"
    wrong: Literal["refuse", "default"] = "refuse"
    never_null: frozenset[str] = frozenset()
