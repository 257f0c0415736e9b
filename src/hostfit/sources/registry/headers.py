"""The two headers of a registry with a grammar of their own: WWW-Authenticate (RFC 9110) and Link (RFC 8288)."""

from __future__ import annotations

import re

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's name of a word, no secret
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")\s*(?:,|$)')
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:\s+|\s*(?:,|$))")
_LINK = re.compile(r"\s*<([^<>]*)>\s*((?:;[^,<>]*)?)(?:,|$)")
_LONGEST = 8 << 10


class Challenge:
    """One way to authenticate that a server offers: `scheme` in lower case and its parameters."""

    __slots__ = ("parameters", "scheme")

    def __init__(self, scheme: str, parameters: dict[str, str]) -> None:
        self.scheme = scheme
        self.parameters = parameters


def challenges(text: str) -> list[Challenge]:
    """Read WWW-Authenticate, also where several are joined by commas; what cannot be read ends the list."""
    found: list[Challenge] = []
    at = 0
    text = text[:_LONGEST]
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        if parameter is not None and found:
            name, plain, quoted = parameter.groups()
            value = plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1].parameters.setdefault(name.lower(), value)
            at = parameter.end()
            continue
        scheme = _SCHEME.match(text, at)
        if scheme is None:
            break
        found.append(Challenge(scheme[1].lower(), {}))
        at = scheme.end()
    return found


def next_page(text: str) -> str:
    """The target of the link with rel=next, as it is written; empty for none."""
    at = 0
    text = text[:_LONGEST]
    while link := _LINK.match(text, at):
        for parameter in link[2].split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip().strip('"').lower().split():
                return link[1]
        at = link.end()
    return ""
