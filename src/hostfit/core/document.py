"""A spec together with where it came from; provenance is part of every value that leaves a source."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.spec import Spec

ADMINISTRATOR, DEPLOYER, IMAGE, ARTIFACT = "administrator", "deployer", "image", "artifact"
"""Authorities in falling order: images.d; pod or command line; local image store; referrers artifact."""

PRESENT, BROKEN, MISSING, UNSYNCED = "present", "invalid", "missing", "unsynced"


class Provenance:
    """Who says so and where it was read.

    `authority` is one of the four above; `place` names file, annotation key or store for people, such as
    "images.d/upf.yaml" or "annotation io.hostfit.require of manifest sha256:..."; `digest` is that of the
    document where it has one; `signer` is who signed it, empty for nobody.
    """

    __slots__ = ("authority", "digest", "place", "signer")

    def __init__(self, authority: str, place: str, *, digest: str = "", signer: str = "") -> None:
        self.authority = authority
        self.place = place
        self.digest = digest
        self.signer = signer

    def _key(self) -> tuple[str, str, str, str]:
        return (self.authority, self.place, self.digest, self.signer)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Provenance) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Provenance{self._key()!r}"


class Document:
    """One document that has a say about a container.

    `state` is PRESENT with a `spec`; BROKEN with `problems` (verdict invalid); MISSING where a document
    was named but is not in the store, or an image could not be resolved (verdict unknown); UNSYNCED where nobody
    ever looked for one (its own knob). `reason` explains the latter three in one line. `reported_only` documents are
    shown but never enforced, such as NVIDIA_REQUIRE_* of a container that is given no GPU.
    """

    __slots__ = ("problems", "provenance", "reason", "reported_only", "spec", "state")

    def __init__(
        self,
        provenance: Provenance,
        *,
        spec: Spec | None = None,
        problems: tuple[object, ...] = (),
        state: str = PRESENT,
        reason: str = "",
        reported_only: bool = False,
    ) -> None:
        self.provenance = provenance
        self.spec = spec
        self.problems = problems
        self.state = state
        self.reason = reason
        self.reported_only = reported_only
