"""Takes out of a bug report what nobody should send: secrets, and what identifies a machine. Pure.

What is known to be secret is left out by the place where it stands; what only looks so, by its form anywhere.
"""

from __future__ import annotations

import re
from typing import Any

from hostfit.gate.words import safe

OUT = "(left out)"
LEFT_OUT = (
    "values of environment variables and annotations",
    "kernel parameters other than well-known ones",
    "serial numbers, UUIDs, hardware addresses and the host's name",
    "whatever looks like a password, token, key or credential",
)
"""Told to the reader of a report."""

_WORDS = (
    r"pass(?:word|wd|phrase)?|secret|token|(?:api|private|access|encryption|signing)[-_.]?key|credentials?"
    r"|auth(?:orization)?|bearer"
)
_NAMED = re.compile(
    rf"(?i)\b([\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}[\"']?\s{{0,4}}[=:]\s{{0,4}})"
    r"(?!\(left out\))(?:\"[^\"\n]{0,256}\"|'[^'\n]{0,256}'|[^\s\"']+)"
)
"""A name that says what it is, and its value. Every repetition of a name is bounded, for texts may be an attacker's."""
_OPTION = re.compile(rf"(?i)(?<!\S)(--?[\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}\s{{1,4}})(?!\(left out\))[^\s-]\S*")
"""The same as an option and the word behind it."""
_SAID = re.compile(r"\b([a-z0-9][\w-]{0,80}(?:\.[\w-]{1,80}){1,8}) ([^\s:]{1,200}): required .*", re.DOTALL)
"""What a line for people says of one expression, and all that follows."""
_FORMS = tuple([
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"(?<=://)[^/\s@]+(?=@)",
        r"(?<=://)[^/\s@:]{1,64}:[^\s\"']{1,256}(?=@(?!sha\d))",
        r"(?i)(?<=bearer )[\w.~+/=-]+",
        r"(?i)(?<=basic )[\w+/=-]{8,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"\beyJ[\w-]{4,2000}\.[\w-]{4,2000}\.[\w-]{0,2000}",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|dckr_pat_)[\w-]{10,}",
    )
])  # fmt: skip
_NAMES = re.compile(rf"(?i)(?:^|[._-])(?:{_WORDS})(?:$|[._-])")
_IDENTITY = re.compile(
    r"(?i)(serial|uuid|boot_id|machine[-_]?id|asset_tag|wwn|wwid|(^|[._-])mac([._-]|$)|hwaddr|nodename|hostname|domainname"
    r"|DEVLINKS|UNIQ|^address$)"
)
_HARMLESS = frozenset(
    {
        "amd_iommu",
        "apparmor",
        "cgroup_disable",
        "cgroup_enable",
        "cgroup_no_v1",
        "default_hugepagesz",
        "hugepages",
        "hugepagesz",
        "intel_iommu",
        "iommu",
        "isolcpus",
        "lockdown",
        "lsm",
        "mitigations",
        "module.sig_enforce",
        "nomodeset",
        "nosmt",
        "numa_balancing",
        "pci",
        "quiet",
        "ro",
        "rw",
        "security",
        "selinux",
        "systemd.unified_cgroup_hierarchy",
        "transparent_hugepage",
        "vsyscall",
    }
)
"""Kernel parameters that are worth knowing and hold no secret."""
_CONFIGURED = ("CMDLINE", "DEFAULT_HOSTNAME")
"""Options of the kernel that hold a site's own text."""
_ADDRESSES = ("network.device", "network.virtual", "network.link", "network.sriov", "network.rdma")
"""Features whose `address` is a hardware's; elsewhere it is a place on a bus."""
_SHORTEST = 3
"""Characters of a value that is looked for in texts; shorter ones are everywhere."""
_PLAIN = frozenset(("absent", "present", "true", "false", "unknown", OUT))


def text(value: str) -> str:
    """Give a text without what looks like a secret."""
    for form in _FORMS:
        value = form.sub(OUT, value)
    for named in (_OPTION, _NAMED):
        value = named.sub(lambda found: f"{found[1]}{OUT}", value)
    return value


def everywhere(tree: Any, values: frozenset[str] = frozenset()) -> Any:
    """Give a JSON tree with every text cleaned, and without these very values in it."""
    if isinstance(tree, dict):
        return {text(str(key)): everywhere(value, values) for key, value in tree.items()}
    if isinstance(tree, list):
        return [everywhere(one, values) for one in tree]
    if isinstance(tree, str):
        for value in sorted(values, key=len, reverse=True):
            tree = tree.replace(value, OUT)
        return text(tree)
    return tree


def sensitive(feature: str, element: str) -> bool:
    """Whether the value of an element is to be left out, whatever it looks like."""
    feature, element = feature.lower(), element.removeprefix("parameter.")
    if feature in ("request.env", "request.annotation"):
        return True
    if feature == "kernel.cmdline":
        return element not in _HARMLESS
    if feature == "kernel.config":
        return element in _CONFIGURED
    if element == "address" and feature not in _ADDRESSES:
        return False
    return bool(_NAMES.search(element) or _IDENTITY.search(element))


def facts(recording: dict[str, Any]) -> dict[str, Any]:
    """Give a recorded host without what is sensitive; it stays a recording that `check --facts` takes."""
    attributes = {
        name: {**one, "elements": _values(name, one["elements"])} for name, one in recording["attributes"].items()
    }
    instances = {
        name: {
            **one, "elements": [{**each, "attributes": _values(name, each["attributes"])} for each in one["elements"]],
        }
        for name, one in recording["instances"].items()
    }  # fmt: skip
    return {**recording, "attributes": attributes, "instances": instances}


def _values(feature: str, values: dict[str, Any]) -> dict[str, Any]:
    return {key: OUT if sensitive(feature, key) else value for key, value in values.items()}


def decision(report: dict[str, Any]) -> Any:
    """Give a kept report without what its sensitive expressions required and observed, wherever that is repeated."""
    values: set[str] = set()
    for leaf in _leaves(report.get("documents")):
        if sensitive(str(leaf.get("feature")), str(leaf.get("element"))):
            texts = [str(leaf[key]) for key in ("required", "observed") if key in leaf]
            # Lines for engines say the same in other characters.
            values |= {form for one in texts for form in (one, safe(one))}
    return everywhere(
        _unsaid(report), frozenset([one for one in values if len(one) >= _SHORTEST and one not in _PLAIN])
    )


def _unsaid(tree: Any) -> Any:
    """Give a tree whose lines say nothing of sensitive expressions, such as those of a runtime's own requirements."""
    if isinstance(tree, dict):
        return {key: _unsaid(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_unsaid(one) for one in tree]
    if not isinstance(tree, str):
        return tree
    found = _SAID.search(tree)
    while found is not None and not sensitive(found[1], found[2]):
        found = _SAID.search(tree, found.end(2))
    return tree if found is None else f"{tree[: found.end(2)]}: {OUT}"


def _leaves(tree: Any) -> list[dict[str, Any]]:
    """Every expression's result in a report, at whatever depth."""
    if isinstance(tree, list):
        return [leaf for one in tree for leaf in _leaves(one)]
    if not isinstance(tree, dict):
        return []
    if "feature" in tree and "observed" in tree:
        return [tree]
    return [leaf for one in tree.values() for leaf in _leaves(one)]
