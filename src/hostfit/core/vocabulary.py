"""What a feature is, as a value; the tables that list the features are in `hostfit.facts.vocabulary`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

FLAG, ATTRIBUTE, INSTANCE = "flag", "attribute", "instance"
"""The three kinds of element."""
TEXT, NUMBER, VERSION, BOOLEAN, HEX = "text", "number", "version", "boolean", "hex"
"""How values compare: only numbers and versions have an order; hex is text in lower case without 0x."""
STATIC, VOLATILE = "static", "volatile"
"""Whether a fact can change while the host runs (loaded modules, links) or not (CPU, kernel version)."""


class ElementInfo:
    """One element of a feature: a flag, an attribute, or an attribute of every instance."""

    __slots__ = ("comparison", "kind", "meaning", "name")

    def __init__(self, name: str, kind: str, comparison: str, meaning: str) -> None:
        self.name = name
        self.kind = kind
        self.comparison = comparison
        self.meaning = meaning


class FeatureInfo:
    """One row of the vocabulary.

    `elements` maps the names that are known to their description. `open_kinds` names the kinds whose
    elements cannot be listed ahead (module names, sysctls, kernel options); `open_comparison` is how such
    elements compare and `open_prefix` what their names begin with. `source` is where on the host the
    fact is read, `link` documentation for people.
    """

    __slots__ = (
        "elements",
        "link",
        "meaning",
        "name",
        "open_comparison",
        "open_kinds",
        "open_prefix",
        "source",
        "stability",
    )

    def __init__(
        self,
        name: str,
        *,
        meaning: str,
        source: str,
        link: str,
        stability: str = STATIC,
        elements: tuple[ElementInfo, ...] = (),
        open_kinds: tuple[str, ...] = (),
        open_comparison: str = TEXT,
        open_prefix: str = "",
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.source = source
        self.link = link
        self.stability = stability
        self.elements: Mapping[str, ElementInfo] = {element.name: element for element in elements}
        self.open_kinds = open_kinds
        self.open_comparison = open_comparison
        self.open_prefix = open_prefix

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of element that this feature has, in the order flag, attribute, instance."""
        have = set(self.open_kinds) | {element.kind for element in self.elements.values()}
        return tuple([kind for kind in (FLAG, ATTRIBUTE, INSTANCE) if kind in have])

    def knows(self, element: str) -> bool:
        """Whether an element of this name can exist."""
        return element in self.elements or (bool(self.open_kinds) and element.startswith(self.open_prefix))

    def apart(self, elements: Iterable[str]) -> tuple[str, str] | None:
        """Give two of these elements that no term can match together: one of the host, one of each instance."""
        listed = [self.elements[name] for name in elements if name in self.elements]
        host = [one.name for one in listed if one.kind != INSTANCE]
        device = [one.name for one in listed if one.kind == INSTANCE]
        return (host[0], device[0]) if host and device else None

    def comparison(self, element: str) -> str:
        """How values of this element compare."""
        info = self.elements.get(element)
        return info.comparison if info is not None else self.open_comparison


if TYPE_CHECKING:
    Lookup = Callable[[str], FeatureInfo | None]
    """A vocabulary as rules see it: the row for a feature name in lower case, or None if there is none."""
