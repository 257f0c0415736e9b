"""An image as a local store describes it: identity, platform, annotations, labels. All of it is untrusted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Platform:
    """An OCI platform (image-spec, image index): every field is text, empty where not given."""

    __slots__ = ("architecture", "os", "os_features", "os_version", "variant")

    def __init__(
        self, os: str, architecture: str, variant: str = "", os_version: str = "", os_features: tuple[str, ...] = ()
    ) -> None:
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.os_version = os_version
        self.os_features = os_features

    def _key(self) -> tuple[object, ...]:
        return (self.os, self.architecture, self.variant, self.os_version, self.os_features)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Platform) and other._key() == self._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return "/".join([part for part in (self.os, self.architecture, self.variant) if part])


class Image:
    """One image of a local store.

    `names` are all names that the store itself records, `name` the one to show; `digest` is the manifest's,
    `index_digest` that of the index it was chosen from, `config_digest` the image ID. `manifest_annotations`,
    `index_annotations` and `labels` are the author's; `env` is the image config's environment; `store` names the
    store for provenance; `bases` are the images that this one names as its base, nearest first, as far as the same
    store has them.
    """

    __slots__ = (
        "bases", "config_digest", "digest", "env", "index_annotations", "index_digest", "labels",
        "manifest_annotations", "name", "names", "platform", "store" )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        names: tuple[str, ...] = (),
        digest: str = "",
        index_digest: str = "",
        config_digest: str = "",
        manifest_annotations: Mapping[str, str] | None = None,
        index_annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        env: tuple[str, ...] = (),
        platform: Platform | None = None,
        store: str = "",
        bases: tuple[Image, ...] = (),
    ) -> None:
        self.name = name
        self.names = names
        self.digest = digest
        self.index_digest = index_digest
        self.config_digest = config_digest
        self.manifest_annotations: dict[str, str] = dict(manifest_annotations or {})
        self.index_annotations: dict[str, str] = dict(index_annotations or {})
        self.labels: dict[str, str] = dict(labels or {})
        self.env = env
        self.platform = platform
        self.store = store
        self.bases = bases


class Resolution:
    """Which engine a container belongs to, and its image where that could be found.

    `engine` is "podman", "cri-o", "buildah", "containerd", "docker", or empty for a plain bundle. `image` is None
    for a plain bundle, for a buildah build step (`engine` "buildah"), and where `reason` says in one line why a
    known engine's image could not be resolved. `broken` says that the store has it but cannot be understood.
    """

    __slots__ = ("broken", "engine", "image", "reason")

    def __init__(self, engine: str, image: Image | None = None, reason: str = "", *, broken: bool = False) -> None:
        self.engine = engine
        self.image = image
        self.reason = reason
        self.broken = broken

    @property
    def unresolved(self) -> bool:
        """Whether an engine that has images started this container and its image is not known."""
        return self.image is None and self.engine not in ("", "buildah")

    @property
    def untold(self) -> bool:
        """Whether there is an image of which nothing tells what it says: a step of a build has one, too."""
        return self.unresolved or self.engine == "buildah"
