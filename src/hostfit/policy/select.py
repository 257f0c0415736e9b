"""Whether the administrator's word is about an image: by digest, by the names its store records, or by any name.

Whoever starts a container may choose the name it goes by, so what loosens counts only for a digest or for a name that
the store itself records; what tightens counts for every name (design: where a spec comes from).

In a pattern `*` stands for any text, slashes included; nothing else is special.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.image import Image


def is_digest(pattern: str) -> bool:
    """Whether a pattern is a digest and so means one image exactly."""
    return pattern.startswith(("sha256:", "sha512:"))


def has_digest(digest: str, image: Image) -> bool:
    """Whether an image is known by this digest: its manifest's, its index's, or its configuration's (the image ID)."""
    return bool(digest) and digest in (image.digest, image.index_digest, image.config_digest)


def names(pattern: str, image: Image, *, loosens: bool) -> bool:
    """Whether a digest or glob means this image, for a word that loosens or for one that tightens."""
    if is_digest(pattern):
        return has_digest(pattern, image)
    if any([matches(pattern, name) for name in image.names]):
        return True
    return not loosens and bool(image.name) and matches(pattern, image.name)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole of `name` matches. Takes time in proportion to both lengths multiplied at worst."""
    pieces = pattern.split("*")
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return pattern == name
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in pieces[1:-1]:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
