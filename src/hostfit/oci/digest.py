"""Content digests: the one place that says what a valid one is and whether bytes have it."""

from __future__ import annotations

from hostfit.oci.files import sha256

_HEX = frozenset("0123456789abcdef")
_LENGTHS = {"sha256": 64, "sha512": 128}


def valid(text: object) -> bool:
    """Whether `text` is a digest that hostfit accepts: sha256 or sha512 with lower-case hex (security rule R14).

    Source: image-spec, descriptor.md, registered algorithms.
    """
    if not isinstance(text, str):
        return False
    algorithm, _, encoded = text.partition(":")
    return len(encoded) == _LENGTHS.get(algorithm, -1) and _HEX.issuperset(encoded)


def of(data: bytes) -> str:
    """Give the sha256 digest of `data`."""
    return "sha256:" + sha256(data)


def matches(data: bytes, digest: str) -> bool:
    """Whether `data` has this digest; an invalid digest matches nothing."""
    if not valid(digest):
        return False
    algorithm, _, encoded = digest.partition(":")
    return encoded == (sha256(data) if algorithm == "sha256" else _sha512(data))


def verified(data: bytes, digest: str, what: str) -> bytes:
    """Give `data` back if it has this digest, else raise ValueError; `what` names it."""
    if not matches(data, digest):
        raise ValueError(f"{what}: content has another digest than {digest}: {of(data)}")
    return data


def _sha512(data: bytes) -> str:
    from hashlib import sha512  # no registry uses it in practice

    return sha512(data).hexdigest()


def chain(diff_ids: tuple[str, ...]) -> str:
    """Give the chain ID of layers by their diff IDs, lowest first; empty for no layers.

    Source: image-spec, config.md, Layer ChainID.
    """
    known = ""
    for diff_id in diff_ids:
        known = of(f"{known} {diff_id}".encode()) if known else diff_id
    return known
