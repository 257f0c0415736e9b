"""Results that a process keeps between decisions: nothing, unless it lives long and says so.

What is kept is found by its very inputs, so it is what making it again would give. Its size is bounded, for the inputs
come from images: the oldest goes first.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

_kept: dict[Hashable, tuple[Any, int]] = {}
_limit = 0
_weight = 0


def enable(limit: int) -> None:
    """Keep results whose inputs have at most `limit` characters together; 0 keeps nothing and forgets all."""
    global _limit  # noqa: PLW0603 - one for the process, set where it starts
    _limit = limit
    forget()


def forget() -> None:
    """Drop everything, where something that is no input has changed (a site's vocabulary)."""
    global _weight  # noqa: PLW0603 - as above
    _kept.clear()
    _weight = 0


def kept(key: Hashable, size: int, make: Callable[[], Any]) -> Any:
    """Give what `make` gives for these inputs; `size` is their length. What raises is not kept."""
    global _weight  # noqa: PLW0603 - as above
    if not _limit:
        return make()
    have = _kept.get(key)
    if have is not None:
        return have[0]
    made = make()
    # A result takes many times the memory of its text, and even none takes some.
    size += 1024
    if size <= _limit >> 1:
        _kept[key] = (made, size)
        _weight += size
        while _weight > _limit:
            _weight -= _kept.pop(next(iter(_kept)))[1]
    return made
