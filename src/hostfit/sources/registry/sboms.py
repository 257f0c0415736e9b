"""Which artifacts are SBOMs, and of what format; what is in them is not hostfit's to read (SEC5, SM3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostfit.oci.descriptor import Descriptor, Index, Manifest

SPDX, CYCLONEDX = "SPDX", "CycloneDX"
_TYPES = {
    "application/spdx": SPDX, "text/spdx": SPDX,
    "application/vnd.cyclonedx": CYCLONEDX, "application/cyclonedx": CYCLONEDX,
}  # fmt: skip
"""Beginnings of media types: IANA's registrations, and what tools wrote before there were any."""
_PREDICATES = {"https://spdx.dev/document": SPDX, "https://cyclonedx.org/": CYCLONEDX}
"""Beginnings of in-toto's predicate types, in lower case."""
_PREDICATE_KEYS = ("in-toto.io/predicate-type", "dev.sigstore.bundle.predicateType", "predicateType")
_DOCKER_TYPE, _DOCKER_SUBJECT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
"""BuildKit's annotations of an attestation that an index lists beside the image that it is about."""


def format_of(artifact_type: str, manifest: Manifest | None, notes: Mapping[str, str]) -> str:
    """SPDX, CycloneDX, or an empty text for an artifact that is no SBOM.

    `notes` are its annotations. Its type says so, or the media type of what it holds, or an attestation's predicate.
    """
    layers = manifest.layers if manifest is not None else ()
    for media_type in (artifact_type, *[one.media_type for one in layers]):
        found = _begins(media_type, _TYPES)
        if found:
            return found
    for known in (notes, *[one.annotations for one in layers]):
        for key in _PREDICATE_KEYS:
            found = _begins(known.get(key, ""), _PREDICATES)
            if found:
                return found
    return ""


def attestations(index: Index) -> Iterable[tuple[Descriptor, str]]:
    """The attestations that an index lists, each with the digest of the image that it is about."""
    for one in index.manifests:
        if one.annotations.get(_DOCKER_TYPE) == "attestation-manifest":
            yield one, one.annotations.get(_DOCKER_SUBJECT, "")


def _begins(text: str, known: Mapping[str, str]) -> str:
    lowered = text.lower()
    return next((found for start, found in known.items() if lowered.startswith(start)), "")
