"""Where hostfit answers otherwise than NFD, as data: the manual and the tests are made from this table.

NFD is v0.19: `nfd compat validate-node` and `pkg/apis/nfd/nodefeaturerule`. Everything that is not listed here has
NFD's meaning. Keys that hostfit adds to the format (`level`, `when`, `include` and others) are in the table because
NFD drops them without a word.
"""

from __future__ import annotations


class Difference:
    """One deliberate difference: what NFD does, what hostfit does, and why."""

    __slots__ = ("hostfit", "id", "nfd", "why")

    def __init__(self, id: str, *, nfd: str, hostfit: str, why: str) -> None:  # noqa: A002 - the word for it
        self.id = id
        self.nfd = nfd
        self.hostfit = hostfit
        self.why = why


DIFFERENCES: tuple[Difference, ...] = (
    # Documents.
    Difference(
        "missing-operator",
        nfd="An expression without `op` is one with the empty operator, which matches whatever the host has.",
        hostfit="The document is invalid. The empty operator has NFD's meaning where it is written out.",
        why="A misspelt or forgotten `op` must not let every host pass.",
    ),
    Difference(
        "unknown-key",
        nfd="Keys that are not known are dropped; a rule that loses its matcher that way always matches.",
        hostfit="The document is invalid, and the key that was probably meant is named.",
        why="A misspelt `matchFeatures` must not let every host pass.",
    ),
    Difference(
        "key-case",
        nfd="The case of keys does not matter, so `Op` is `op`.",
        hostfit="Keys are written as in the format; another one is not known, and the document is invalid.",
        why="Two keys that differ in case only could say two things, and readers other than Go's would see one.",
    ),
    Difference(
        "missing-key",
        nfd="A rule may have no `name`, a document no sets, and null stands for an empty list or mapping.",
        hostfit="The document is invalid.",
        why="A diagnostic names the rule, and what was left empty by mistake must not let every host pass.",
    ),
    Difference(
        "plain-yaml",
        nfd="Anchors, aliases, tags and merge keys are read as YAML has them, of two equal keys the last one counts.",
        hostfit="The document is invalid.",
        why="A short text must not become a long one, and nobody must read another document than the one that counts.",
    ),
    Difference(
        "document-limits",
        nfd="A document is as long and as deep as its parser takes it.",
        hostfit="Beyond 1 MiB, 32 levels, 20000 values, 64 sets, 256 rules of a set or 4096 expressions it is invalid.",
        why="A document from an image must not hold up the start of containers.",
    ),
    Difference(
        "rule-without-matcher",
        nfd="A rule that has neither `matchFeatures` nor `matchAny`, or an empty branch of `matchAny`, always matches.",
        hostfit="The document is invalid. The library's evaluator still gives such a rule NFD's meaning.",
        why="What was left out or emptied by mistake must not let every host pass.",
    ),
    Difference(
        "null-expression",
        nfd="An expression that is null ends the program with a panic.",
        hostfit="The document is invalid.",
        why="A document must not be able to end the program that reads it.",
    ),
    Difference(
        "coerced-value",
        nfd="YAML turns unquoted values into numbers and booleans, so 6.10 becomes 6.1 and no becomes false.",
        hostfit="The document is invalid where such a value stands for text; it must be quoted.",
        why="The author meant the text as written.",
    ),
    Difference(
        "unchecked-version",
        nfd="The `version` of a document is never looked at.",
        hostfit="It must be there and be v1alpha1.",
        why="A document of another version may mean something else.",
    ),
    Difference(
        "template",
        nfd="`varsTemplate` runs a Go template over what matched.",
        hostfit="The document is invalid.",
        why="Only Go can run these templates, and half a template language would mislead.",
    ),
    Difference(
        "validity-depends-on-host",
        nfd="Wrong values, a bad pattern or a bad `type` go unnoticed where the element is absent or a flag.",
        hostfit="The document is invalid on every host.",
        why="An author must learn of a mistake before the one host that shows it.",
    ),
    Difference(
        "reversed-version-range",
        nfd="A range of versions that does not rise never matches and is no error, unlike one of numbers.",
        hostfit="The document is invalid; `GeLe` of twice the same version stays, as the way to say equal.",
        why="A requirement that no host can meet is a mistake.",
    ),
    Difference(
        "pattern-subset",
        nfd="`InRegexp` takes all of Go's regexp syntax.",
        hostfit="Unicode classes, (?i) beyond ASCII, group names beyond ASCII, groups deeper than 100 and patterns that"
        " need more than 4096 instructions are refused, and the message says that they are valid RE2.",
        why="The tables they need are larger than the rest of hostfit, and host values are ASCII.",
    ),
    Difference(
        "extension-keys",
        nfd="`level`, `when`, `documentation`, `runtimes` and `include` are dropped, so every rule is a must-have.",
        hostfit="A preferred rule only ranks, a rule whose `when` does not match is neutral.",
        why="Must-have, nice-to-have and conditions are what image authors asked for.",
    ),
    # Facts.
    Difference(
        "unknown-feature",
        nfd="A term on a feature that the host does not report never matches, not even with DoesNotExist.",
        hostfit="The answer is unknown.",
        why="A feature that could not be read, or is newer than hostfit, is not the same as one that is not there.",
    ),
    Difference(
        "undetermined-element",
        nfd="An element that could not be read is absent, so DoesNotExist matches it and everything else fails.",
        hostfit="The answer is unknown, with the path and the error as the reason.",
        why="Nobody knows whether it is there.",
    ),
    Difference(
        "undetermined-instances",
        nfd="A list of devices that could not be read whole is taken for the whole.",
        hostfit="No match among the devices that are known is unknown; a match is a match.",
        why="The device that would match may be one of the others.",
    ),
    Difference(
        "empty-feature",
        nfd="DoesNotExist fails where the host has no set of that name.",
        hostfit="DoesNotExist matches where hostfit knows that the feature holds nothing on this host.",
        why="Looked for and not found is absent.",
    ),
    # Values.
    Difference(
        "unparsable-value",
        nfd="A host value that is no number, or no version, is an error that ends the whole run.",
        hostfit="The one expression is unknown; another branch, set or device may still match.",
        why="One odd value must not hide the verdict on everything else.",
    ),
    Difference(
        "host-version",
        nfd="Versions such as 5.14.0-362.el9.x86_64 or 5.15.167.4-microsoft are errors.",
        hostfit="They compare by their first three numbers; what follows is ignored like a pre-release.",
        why="Most distributions name their kernels so. Values in a document are still read as NFD reads them.",
    ),
    Difference(
        "module-name",
        nfd="Names of kernel modules compare byte by byte, so vfio-pci never matches a loaded vfio_pci.",
        hostfit="In kernel.loadedmodule, kernel.enabledmodule and kernel.module `-` and `_` are the same.",
        why="The kernel treats them as the same, and modules.builtin and /proc/modules spell them differently.",
    ),
    Difference(
        "work-limit",
        nfd="An evaluation takes as long as it takes.",
        hostfit="Comparisons beyond a fixed number of steps are unknown.",
        why="A document from an image must not hold up the start of containers.",
    ),
    # Rules and sets.
    Difference(
        "combination",
        nfd="Each rule is reported by itself; rules and sets are not combined, and a misfit exits with 0.",
        hostfit="The required rules of a set must all match, one set that matches is enough.",
        why="There has to be one verdict; this is the reading of the format's own examples.",
    ),
    Difference(
        "vars-of-failed-rule",
        nfd="A rule that fails only in its `matchAny` still exports its `vars`.",
        hostfit="`rule.matched` holds the `vars` of rules that match; those of a rule that is unknown are unknown.",
        why="The feature is called rule.matched.",
    ),
    Difference(
        "vars-across-sets",
        nfd="`rule.matched` is never reset, so a set sees the `vars` of the sets before it.",
        hostfit="Every set starts without `rule.matched`.",
        why="The order of sets must not change their meaning.",
    ),
    Difference(
        "tag-without-set",
        nfd="A tag that no set carries gives an empty report and success.",
        hostfit="The verdict is unknown, and the reason names the tag.",
        why="Nothing was compared.",
    ),
)
