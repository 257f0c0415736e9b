"""The policy as plain values: knobs with their scopes, runtimes, and the administrator's own specs.

With no configuration at all these defaults hold: a misfit is denied, what cannot be told is warned about, and
containers run under runc or, where that is not installed, crun.
"""

from __future__ import annotations

from hostfit.core.decision import ACTIONS, Knobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostfit.core.document import Document
    from hostfit.core.image import Image
    from hostfit.core.spec import Rule
    from hostfit.policy.images import Images

KNOBS = ("on_misfit", "on_unknown", "on_unsynced", "on_error")
HOST, OWN = "host", "own"
KERNELS = (HOST, OWN)


class RuntimeDefinition:
    """One OCI runtime that containers may be given to.

    `binaries` are absolute paths, the first that is usable counts; `shim` is a containerd shim in their place.
    `isolation` orders runtimes (runc 1). `kernel` says whether containers see the host's kernel or one of their own,
    whose facts `facts` records. `grants` marks runtimes that add host access. `requires` are rules on the host, `when`
    rules on the request.
    """

    __slots__ = (
        "binaries", "facts", "from_image", "grants", "isolation", "kernel", "name", "platforms", "requires", "shim",
        "when",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        binaries: tuple[str, ...] = (),
        shim: str = "",
        isolation: int = 1,
        kernel: str = HOST,
        grants: bool = False,
        from_image: bool = False,
        platforms: tuple[str, ...] = (),
        facts: str = "",
        requires: tuple[Rule, ...] = (),
        when: tuple[Rule, ...] = (),
    ) -> None:
        self.name = name
        self.binaries = binaries
        self.shim = shim
        self.isolation = isolation
        self.kernel = kernel
        self.grants = grants
        self.from_image = from_image
        self.platforms = platforms
        self.facts = facts
        self.requires = requires
        self.when = when

    def _key(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuntimeDefinition) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds rules


_PLACES = ("/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
BUILT_IN = ("runc", "crun")
"""The runtimes that need no configuration, and in this order the defaults where none is configured."""


def built_in() -> dict[str, RuntimeDefinition]:
    """Give the definitions that hold where the configuration says nothing else."""
    return {name: RuntimeDefinition(name, binaries=tuple([place + name for place in _PLACES])) for name in BUILT_IN}


class Scope:
    """Knobs for some containers: those that match every selector which is given."""

    __slots__ = ("digest", "image", "knobs", "namespace")

    def __init__(self, knobs: Mapping[str, str], *, image: str = "", digest: str = "", namespace: str = "") -> None:
        self.knobs: dict[str, str] = dict(knobs)
        self.image = image
        self.digest = digest
        self.namespace = namespace

    def applies(self, image: Image | None, namespace: str, *, loosens: bool) -> bool:
        """Whether the scope is about a container, for a knob that loosens the policy's or for one that does not.

        `namespace` is empty unless a CRI engine says so.
        """
        if self.namespace and self.namespace != namespace:
            return False
        if not self.image and not self.digest:
            return True
        if image is None:
            return False
        from hostfit.policy.select import has_digest, names  # most hosts have no scopes

        if self.digest and not has_digest(self.digest, image):
            return False
        # A digest means this very image, whatever the name it goes by.
        return not self.image or names(self.image, image, loosens=loosens and not self.digest)


class Policy:
    """Everything that the administrator decided.

    `defaults` are the names of the runtimes to use, the first usable one counts; `tag` chooses among the sets of
    specs; `sources` are the files that it was read from.
    """

    __slots__ = ("_images", "_knobs", "defaults", "runtimes", "scopes", "sources", "tag")

    def __init__(
        self,
        *,
        knobs: Knobs | None = None,
        defaults: tuple[str, ...] = BUILT_IN,
        scopes: tuple[Scope, ...] = (),
        runtimes: Mapping[str, RuntimeDefinition] | None = None,
        images: Images | None = None,
        tag: str = "",
        sources: tuple[str, ...] = (),
    ) -> None:
        self._knobs = knobs or Knobs()
        self.defaults = defaults
        self.scopes = scopes
        self.runtimes: dict[str, RuntimeDefinition] = dict(built_in() if runtimes is None else runtimes)
        self._images = images
        self.tag = tag
        self.sources = sources

    @property
    def images(self) -> Images:
        """What images.d says."""
        if self._images is None:
            from hostfit.policy.images import Images  # most hosts have none

            self._images = Images()
        return self._images

    def documents(self, image: Image | None) -> tuple[tuple[Document, ...], bool]:
        """Give what images.d says about an image, and whether that replaces all that others say."""
        return ((), False) if self._images is None or image is None else self._images.documents(image)

    @property
    def default(self) -> str:
        """The name of the default runtime; its isolation is the floor."""
        return self.defaults[0]

    @property
    def base(self) -> Knobs:
        """The knobs of [policy], which count where no scope says anything."""
        return self._knobs

    def knobs(self, image: Image | None, namespace: str) -> Knobs:
        """Give the knobs for one container.

        Of the scopes that match and set a knob, the strictest value counts; [policy] has its say only where none
        does. A value that is looser than [policy]'s counts only for a digest, for a name that the image's store
        records, or for a namespace that a CRI engine wrote.
        """
        values = {}
        for knob in KNOBS:
            base = getattr(self._knobs, knob)
            said = []
            for scope in self.scopes:
                value = scope.knobs.get(knob)
                if value is None:
                    continue
                loosens = ACTIONS.index(value) < ACTIONS.index(base)
                if scope.applies(image, namespace, loosens=loosens):
                    said.append(value)
            values[knob] = max(said, key=ACTIONS.index, default=base)
        return Knobs(**values)

    def summary(self) -> tuple[str, ...]:
        """Give a few lines for people: what was read and what holds."""
        knobs = ", ".join([f"{knob} = {getattr(self._knobs, knob)}" for knob in KNOBS])
        return (
            f"files: {', '.join(self.sources) or 'none, defaults hold'}",
            f"default runtime: {' or '.join(self.defaults)}",
            knobs,
            f"runtimes: {', '.join(sorted(self.runtimes))}",
            f"{len(self.scopes)} scopes, {len(self.images.entries)} files of images.d",
        )
