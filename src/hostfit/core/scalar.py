"""Scalars that YAML 1.1 does not read as they are written."""

from __future__ import annotations


class Coerced(str):
    """An unquoted YAML scalar whose text is not what a YAML 1.1 reader makes of it.

    The text itself is as written; `becomes` says what it turns into, such as "the number 128". It is refused
    wherever it stands; being text it can still be shown, compared and given to a JSON Schema validator.
    """

    __slots__ = ("becomes",)

    becomes: str

    def __new__(cls, written: str, becomes: str) -> Coerced:  # noqa: PYI034 - importing typing is not for the hot path
        """A text with what it turns into."""
        self = super().__new__(cls, written)
        self.becomes = becomes
        return self
