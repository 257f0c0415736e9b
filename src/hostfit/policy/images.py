"""images.d: the specs that the administrator gives to images, and whether they replace all others."""

from __future__ import annotations

from hostfit.core.document import ADMINISTRATOR, BROKEN, PRESENT, Document, Provenance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.core.image import Image
    from hostfit.core.spec import Spec

ADD, REPLACE = "add", "replace"
MODES = (ADD, REPLACE)


class Entry:
    """One file of images.d.

    `images` are globs of image names or digests; `place` is the file as reports show it, `digest` that of its
    content. A file whose `spec` is not valid keeps its `problems`: images that it names are then judged by on_error.
    """

    __slots__ = ("digest", "images", "mode", "place", "problems", "spec")

    def __init__(
        self,
        images: tuple[str, ...],
        *,
        place: str,
        mode: str = ADD,
        spec: Spec | None = None,
        problems: tuple[str, ...] = (),
        digest: str = "",
    ) -> None:
        self.images = images
        self.place = place
        self.mode = mode
        self.spec = spec
        self.problems = problems
        self.digest = digest

    def applies(self, image: Image, *, loosens: bool) -> bool:
        """Whether the entry is about this image."""
        from hostfit.policy.select import names  # most hosts give no image a spec

        return any([names(pattern, image, loosens=loosens) for pattern in self.images])

    def document(self) -> Document:
        """Give what the entry says, as a document with its provenance."""
        provenance = Provenance(ADMINISTRATOR, self.place, digest=self.digest)
        if self.spec is None:
            reason = self.problems[0] if self.problems else "no spec in it"
            return Document(provenance, state=BROKEN, problems=self.problems, reason=reason)
        return Document(provenance, spec=self.spec, state=PRESENT)


class Images:
    """All entries, in the order of their file names."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        self.entries = entries

    def documents(self, image: Image | None) -> tuple[tuple[Document, ...], bool]:
        """Give the documents about an image, and whether they replace all that others say.

        An entry with `mode: replace` loosens, so it replaces only for an image of its digest or of a name that the
        store records; for an image that merely goes by a matching name its spec is added. Where several entries
        match and one replaces, the specs of all of them hold.
        """
        if image is None:
            return (), False
        found = [entry for entry in self.entries if entry.applies(image, loosens=False)]
        replace = any([entry.mode == REPLACE and entry.applies(image, loosens=True) for entry in found])
        return tuple([entry.document() for entry in found]), replace
