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
    from hostfit.policy.trust import Trust

KNOBS = ("on_misfit", "on_unknown", "on_unsynced", "on_error")
HOST, OWN = "host", "own"
KERNELS = (HOST, OWN)


class RuntimeDefinition:
    """One runtime that containers may be given to.

    `binaries` are absolute paths of an OCI runtime and `shims` of a containerd shim; of each the first that is usable
    counts. `isolation` orders runtimes (runc 1). `kernel` says whether containers see the host's kernel or one of their
    own, whose facts `facts` records. `platforms` are those of the images that it runs, where they are not the host's.
    `grants` marks runtimes that add host access, taken only if somebody other than the image asked, or with
    `from_image`. `requires` are rules on the host, `when` rules on the request; `instead` names the runtimes that may
    take its place where it cannot run, weaker ones too. `shipped` says that no configuration has a word about it.
    """

    __slots__ = (
        "binaries", "facts", "from_image", "grants", "instead", "isolation", "kernel", "name", "platforms", "requires",
        "shims", "shipped", "when",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        binaries: tuple[str, ...] = (),
        shims: tuple[str, ...] = (),
        isolation: int = 1,
        kernel: str = HOST,
        grants: bool = False,
        from_image: bool = False,
        platforms: tuple[str, ...] = (),
        facts: str = "",
        requires: tuple[Rule, ...] = (),
        when: tuple[Rule, ...] = (),
        instead: tuple[str, ...] = (),
        shipped: bool = False,
    ) -> None:
        self.name = name
        self.binaries = binaries
        self.shims = shims
        self.isolation = isolation
        self.kernel = kernel
        self.grants = grants
        self.from_image = from_image
        self.platforms = platforms
        self.facts = facts
        self.requires = requires
        self.when = when
        self.instead = instead
        self.shipped = shipped

    @property
    def kind(self) -> str:
        """What a pod's sandbox fixes: HOST for OCI runtimes on the host's kernel, which can share a pod; else its
        own name.
        """
        return HOST if self.kernel == HOST and self.binaries else self.name

    def _key(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuntimeDefinition) and other._key() == self._key()

    __hash__ = None  # type: ignore[assignment]  # holds rules


PLACES = ("/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/")
BUILT_IN = ("runc", "crun")
"""The defaults where none is configured, in this order."""
HOST_SHIMS = tuple([place + "containerd-shim-runc-v2" for place in PLACES])
"""The shim that calls an OCI runtime; which one is said by its options, so there the wrapper chooses."""


def built_in() -> dict[str, RuntimeDefinition]:
    """Give the definitions that most hosts need; hostfit.policy.shipped has the others."""
    return {
        name: RuntimeDefinition(
            name, binaries=tuple([place + name for place in PLACES]), shims=HOST_SHIMS, shipped=True
        )
        for name in BUILT_IN
    }


class Scope:
    """Knobs and runtimes for some containers: those that match every selector which is given.

    `allowed` names the only runtimes that may take them, None where that is not said.
    """

    __slots__ = ("allowed", "digest", "image", "knobs", "namespace", "preference")

    def __init__(
        self,
        knobs: Mapping[str, str],
        *,
        image: str = "",
        digest: str = "",
        namespace: str = "",
        allowed: tuple[str, ...] | None = None,
        preference: bool | None = None,
    ) -> None:
        self.knobs: dict[str, str] = dict(knobs)
        self.allowed = allowed
        self.preference = preference
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

    `defaults` are the names of the runtimes to use, the first usable one counts; `allowed` names the only runtimes
    that may be taken, None for all; `preference` says whether an image's own preference among runtimes counts; `tag`
    chooses among the sets of specs; `sources` are the files that it was read from. `own` are the runtimes that the
    configuration speaks of, and runc and crun. `trust` is for whoever fetches, and None in the compiled form.
    """

    __slots__ = (
        "_all", "_images", "_knobs", "allowed", "defaults", "own", "preference", "scopes", "sources", "tag", "trust",
    )  # fmt: skip

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
        allowed: tuple[str, ...] | None = None,
        preference: bool = False,
        trust: Trust | None = None,
    ) -> None:
        self._knobs = knobs or Knobs()
        self.defaults = defaults
        self.scopes = scopes
        self.own: dict[str, RuntimeDefinition] = dict(built_in() if runtimes is None else runtimes)
        self._all: dict[str, RuntimeDefinition] = {}
        self._images = images
        self.tag = tag
        self.sources = sources
        self.allowed = allowed
        self.preference = preference
        self.trust = trust

    @property
    def runtimes(self) -> dict[str, RuntimeDefinition]:
        """Every runtime by name, in the order of the configuration, those that hostfit ships last."""
        if not self._all:
            from hostfit.policy.shipped import shipped  # most starts ask for runc or crun

            self._all = {**self.own, **{name: one for name, one in shipped().items() if name not in self.own}}
        return self._all

    def runtime(self, name: str) -> RuntimeDefinition | None:
        """Give one runtime, None where there is none of that name."""
        found = self.own.get(name)
        return found if found is not None else self.runtimes.get(name)

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

    def allowed_for(self, image: Image | None, namespace: str) -> frozenset[str] | None:
        """Give the only runtimes that may take a container, None for all: what [policy] and every scope allow."""
        found = [self.allowed, *[one.allowed for one in self.scopes if one.allowed is not None
                                 and one.applies(image, namespace, loosens=False)]]  # fmt: skip
        said = [frozenset(one) for one in found if one is not None]
        return frozenset.intersection(*said) if said else None

    def preference_for(self, image: Image | None, namespace: str) -> bool:
        """Whether an image's own preference among runtimes of equal isolation counts; one scope's no is enough."""
        said = [
            one.preference
            for one in self.scopes
            if one.preference is not None and one.applies(image, namespace, loosens=one.preference)
        ]
        return all(said) if said else self.preference

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
