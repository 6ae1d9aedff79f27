"""Keys in the order of their turns; a look along them costs by how far it goes.

A heap that is brought up to date only where somebody looks: a turn may move back at any time
without a word (whoever was served), and only one that moves forward must be told. Pure.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

Turn = tuple[float, int]
"""A virtual time, and what decides between equal ones: the order of arrival."""
_DEAD = 64
"""Entries that are no longer true are cleared away when they are more than the true and these."""

K = TypeVar("K")


class Turns(Generic[K]):
    """`turn(key)` says when a key is due; it is asked anew at every look."""

    def __init__(self, turn: Callable[[K], Turn]) -> None:
        self._turn = turn
        # Of a key's entries only the newest counts, by its mark.
        self._heap: list[tuple[Turn, int, K]] = []
        self._marks: dict[K, int] = {}
        self._next_mark = count()

    def __len__(self) -> int:
        return len(self._marks)

    def put(self, key: K) -> None:
        """A key that comes, or whose turn is earlier than it was."""
        mark = self._marks[key] = next(self._next_mark)
        heapq.heappush(self._heap, (self._turn(key), mark, key))
        if len(self._heap) > 2 * len(self._marks) + _DEAD:
            self._heap = [e for e in self._heap if self._marks.get(e[2]) == e[1]]
            heapq.heapify(self._heap)

    def sooner(self, key: K) -> None:
        """The turn of a key may be earlier than it was; nothing happens if it is not here."""
        if key in self._marks:
            self.put(key)

    def discard(self, key: K) -> None:
        """A key that goes."""
        self._marks.pop(key, None)

    def least(self) -> Turn | None:
        """The turn of whoever is next; None when nobody is here."""
        self._settle()
        return self._heap[0][0] if self._heap else None

    def look(self, turn: Callable[[K], Turn] | None = None) -> Look[K]:
        """A look along all keys, with turns as `turn` says, none earlier than ours say."""
        self._settle()
        return Look(self._heap, self._marks, turn or self._turn)

    def _settle(self) -> None:
        """Brings the head up to date, so that not every look must."""
        while self._heap:
            turn, mark, key = self._heap[0]
            if self._marks.get(key) != mark:
                heapq.heappop(self._heap)
            elif (really := self._turn(key)) > turn:
                heapq.heapreplace(self._heap, (really, mark, key))
            else:
                return


class Look(Generic[K]):
    """One look; it changes nothing and is over when anything changes."""

    def __init__(
        self, heap: list[tuple[Turn, int, K]], marks: dict[K, int], turn: Callable[[K], Turn]
    ) -> None:
        self._heap, self._marks, self._turn = heap, marks, turn
        # The edge of what was seen: a turn, then the place in the heap whose children come next.
        self._edge: list[tuple[Turn, int, int]] = []
        self._reach(0)

    def head(self) -> tuple[Turn, K] | None:
        """Whose turn is first of those that were not passed; None at the end."""
        while self._edge:
            turn, mark, place = self._edge[0]
            key = self._heap[abs(place) - 1][2]
            if place > 0:
                # Seen for the first time.
                heapq.heappop(self._edge)
                self._reach(2 * place - 1)
                self._reach(2 * place)
                if self._marks.get(key) == mark:
                    heapq.heappush(self._edge, (self._turn(key), mark, -place))
            elif (really := self._turn(key)) > turn:
                heapq.heapreplace(self._edge, (really, mark, place))
            else:
                return turn, key
        return None

    def first(self) -> K:
        """The head's key. Raises IndexError at the end."""
        head = self.head()
        if head is None:
            raise IndexError("the look is at its end")
        return head[1]

    def drop(self) -> None:
        """The head is passed for good; without it, a head whose turn moved back stays in."""
        heapq.heappop(self._edge)

    def _reach(self, index: int) -> None:
        if index < len(self._heap):
            turn, mark, _ = self._heap[index]
            heapq.heappush(self._edge, (turn, mark, index + 1))
