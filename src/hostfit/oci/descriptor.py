"""OCI and Docker descriptors, manifests, indexes and image configs, read strictly from bytes with a digest.

Source: image-spec (descriptor.md, manifest.md, image-index.md, config.md) and Docker's schema 2, which has the same
fields. Everything is untrusted: a document that is not plainly one thing is refused (security rules R9, R14, R18).
"""

from __future__ import annotations

from hostfit.core import fastjson, limits
from hostfit.core.image import Platform
from hostfit.core.text import quoted
from hostfit.oci import digest as digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
MANIFESTS = (OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
INDEXES = (OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")

_MANIFEST_KEYS = (
    "schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations",
)  # fmt: skip
_DESCRIPTOR_KEYS = ("mediaType", "digest", "size", "annotations", "platform", "artifactType", "data", "urls")
_PLATFORM_KEYS = ("architecture", "os", "os.version", "os.features", "variant")


class Descriptor:
    """What another document says about some content; `digest` is valid, `size` in bytes."""

    __slots__ = ("annotations", "artifact_type", "digest", "media_type", "platform", "size")

    def __init__(
        self,
        media_type: str,
        digest: str,
        size: int,
        *,
        annotations: Mapping[str, str] | None = None,
        platform: Platform | None = None,
        artifact_type: str = "",
    ) -> None:
        self.media_type = media_type
        self.digest = digest
        self.size = size
        self.annotations: dict[str, str] = dict(annotations or {})
        self.platform = platform
        self.artifact_type = artifact_type

    def verify(self, data: bytes) -> None:
        """Raise ValueError unless `data` is the content that is meant, in size and digest."""
        if len(data) != self.size:
            raise ValueError(f"{self.digest}: size must be {self.size}, found {len(data)}")
        if not digests.matches(data, self.digest):
            raise ValueError(f"{self.digest}: content has another digest, {digests.of(data)}")


class Manifest:
    """An image manifest: its author's annotations and the descriptors of config and layers.

    `artifact_type` is what it is where it is no image: its own, else the media type of its config.
    """

    __slots__ = ("annotations", "artifact_type", "config", "layers", "subject")

    def __init__(
        self,
        config: Descriptor,
        layers: tuple[Descriptor, ...],
        annotations: Mapping[str, str],
        subject: Descriptor | None = None,
        artifact_type: str = "",
    ) -> None:
        self.config = config
        self.layers = layers
        self.annotations: dict[str, str] = dict(annotations)
        self.subject = subject
        self.artifact_type = artifact_type or config.media_type


class Index:
    """An image index (Docker: manifest list): its author's annotations and one descriptor per platform."""

    __slots__ = ("annotations", "manifests")

    def __init__(self, manifests: tuple[Descriptor, ...], annotations: Mapping[str, str]) -> None:
        self.manifests = manifests
        self.annotations: dict[str, str] = dict(annotations)


class ImageConfig:
    """The part of an image config that hostfit reads."""

    __slots__ = ("diff_ids", "env", "labels", "platform")

    def __init__(
        self, platform: Platform, labels: Mapping[str, str], env: tuple[str, ...], diff_ids: tuple[str, ...]
    ) -> None:
        self.platform = platform
        self.labels: dict[str, str] = dict(labels)
        self.env = env
        self.diff_ids = diff_ids


def parse(data: bytes, *, what: str, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index; `what` names it in messages, `media_type` is what its descriptor claims.

    Raises ValueError for anything that is not plainly one of the two, such as a document that is both.
    """
    tree = _mapping(fastjson.loads(data, what=what, cap=limits.MANIFEST), what, _MANIFEST_KEYS)
    claimed = tree.get("mediaType", "")
    if media_type and claimed and claimed != media_type:
        raise ValueError(f"{what}: mediaType must be {quoted(media_type)}, found {quoted(str(claimed))}")
    has_list, has_config = "manifests" in tree, "config" in tree or "layers" in tree
    if has_list == has_config:
        found = "both" if has_list else "neither"
        raise ValueError(f"{what}: either manifests or config and layers is required, found {found}")
    kind = claimed or media_type
    if kind and kind not in (INDEXES if has_list else MANIFESTS):
        raise ValueError(f"{what}: content and media type {quoted(str(kind))} disagree")
    notes = strings(tree.get("annotations"), f"{what}: annotations")
    if has_list:
        return Index(tuple(_descriptors(tree["manifests"], f"{what}: manifests")), notes)
    config = descriptor(tree.get("config"), f"{what}: config")
    subject = descriptor(tree["subject"], f"{what}: subject") if tree.get("subject") is not None else None
    layers = tuple(_descriptors(tree.get("layers"), f"{what}: layers"))
    return Manifest(config, layers, notes, subject, _text(tree, "artifactType", what))


def parse_manifest(data: bytes, *, what: str) -> Manifest:
    """Read a manifest; raises ValueError, for an index too."""
    document = parse(data, what=what)
    if not isinstance(document, Manifest):
        raise ValueError(f"{what}: a manifest is required, found an index")  # noqa: TRY004 - bad input, one error
    return document


def descriptor(tree: object, what: str) -> Descriptor:
    """Read one descriptor; raises ValueError, for a malformed digest too."""
    fields = _mapping(tree, what, _DESCRIPTOR_KEYS)
    digest, size = fields.get("digest"), fields.get("size")
    if not digests.valid(digest):
        raise ValueError(f"{what}: digest must be sha256 or sha512 in lower-case hex, found {quoted(str(digest))}")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < limits.INTEGER:
        raise ValueError(f"{what}: size must be a number of bytes, found {quoted(str(size))}")
    platform = fields.get("platform")
    return Descriptor(
        _text(fields, "mediaType", what),
        str(digest),
        size,
        annotations=strings(fields.get("annotations"), f"{what}: annotations"),
        platform=None if platform is None else _platform(_mapping(platform, f"{what}: platform", _PLATFORM_KEYS), what),
        artifact_type=_text(fields, "artifactType", what),
    )


def parse_config(data: bytes, *, what: str) -> ImageConfig:
    """Read an image config; raises ValueError."""
    tree = _mapping(fastjson.loads(data, what=what, cap=limits.MANIFEST), what, (*_PLATFORM_KEYS, "config", "rootfs"))
    inner = _mapping(tree.get("config") or {}, f"{what}: config", ("Env", "Labels"))
    rootfs = _mapping(tree.get("rootfs") or {}, f"{what}: rootfs", ("type", "diff_ids"))
    diff_ids = _list(rootfs.get("diff_ids"), f"{what}: rootfs.diff_ids")
    for diff_id in diff_ids:
        if not digests.valid(diff_id):
            raise ValueError(f"{what}: rootfs.diff_ids: a digest is required, found {quoted(str(diff_id))}")
    return ImageConfig(
        _platform(tree, what),
        strings(inner.get("Labels"), f"{what}: labels"),
        tuple(_words(inner.get("Env"), f"{what}: environment")),
        tuple([str(diff_id) for diff_id in diff_ids]),
    )


def strings(tree: object, what: str) -> dict[str, str]:
    """Read a mapping of text to text, empty where it is absent; raises ValueError."""
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ValueError(f"{what}: a mapping is required, found {_kind(tree)}")  # noqa: TRY004 - bad input, one error
    for key, value in tree.items():
        if not isinstance(value, str):
            raise ValueError(f"{what}: {quoted(key)}: text is required, found {_kind(value)}")  # noqa: TRY004 - as above
    return dict(tree)


def _descriptors(tree: object, what: str) -> list[Descriptor]:
    entries = _list(tree, what)
    if len(entries) > limits.DESCRIPTORS:
        raise ValueError(f"{what}: at most {limits.DESCRIPTORS} are allowed, found {len(entries)}")
    return [descriptor(entry, f"{what}[{number}]") for number, entry in enumerate(entries)]


def _platform(fields: dict[str, Any], what: str) -> Platform:
    return Platform(
        _text(fields, "os", what),
        _text(fields, "architecture", what),
        _text(fields, "variant", what),
        _text(fields, "os.version", what),
        tuple(_words(fields.get("os.features"), f"{what}: os.features")),
    )


def _mapping(tree: object, what: str, known: tuple[str, ...]) -> dict[str, Any]:
    """Check for a mapping without case variants of known keys: Go reads those too, so two readers would differ."""
    if not isinstance(tree, dict):
        raise ValueError(f"{what}: a mapping is required, found {_kind(tree)}")  # noqa: TRY004 - bad input, one error
    if not known_only(tree, known):
        lowered = {name.lower(): name for name in known}
        for key in tree:
            name = lowered.get(key.lower())
            if name is not None and name != key:
                raise ValueError(f"{what}: {quoted(key)}: must be written {name}")
    return tree


def known_only(tree: dict[str, Any], known: tuple[str, ...]) -> bool:
    """Whether a mapping has no key besides the known ones."""
    return all([key in known for key in tree])


def _list(tree: object, what: str) -> list[Any]:
    if tree is None:
        return []
    if not isinstance(tree, list):
        raise ValueError(f"{what}: a list is required, found {_kind(tree)}")  # noqa: TRY004 - bad input, one error
    return tree


def _words(tree: object, what: str) -> list[str]:
    words = _list(tree, what)
    for word in words:
        if not isinstance(word, str):
            raise ValueError(f"{what}: text is required, found {_kind(word)}")  # noqa: TRY004 - bad input, one error
    return words


def _text(fields: dict[str, Any], key: str, what: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{what}: {key}: text is required, found {_kind(value)}")  # noqa: TRY004 - bad input, one error
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {"dict": "a mapping", "list": "a list", "str": "text", "bool": "a truth value"}
    return names.get(type(value).__name__, "a number")
