"""A whole report as plain text for people: what was decided, what was asked and found, and what to do (cold)."""

from __future__ import annotations

import textwrap

from hostfit.gate.leaves import NAME, PRESENT, about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NARROWEST = 40
_SOURCES = {
    "administrator": "the administrator",
    "deployer": "whoever deployed the container",
    "image": "the image",
    "artifact": "an artifact about the image",
}
_MARKS = {"match": "ok", "nomatch": "NO", "unknown": "??"}


def text(report: dict[str, Any], *, width: int = 80) -> str:
    """Give the report's tree as text of at most `width` columns, except where a word is longer."""
    page = _Page(max(width, _NARROWEST))
    _head(page, report)
    for document in report.get("documents", []):
        _document(page, document)
    _candidates(page, report)
    _remedies(page, report)
    return "\n".join(page.lines) + "\n"


class _Page:
    """Lines of a fixed width."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []

    def put(self, words: str, indent: int = 0, hang: int = 2) -> None:
        """Write one paragraph."""
        self.lines.extend(
            textwrap.wrap(
                words, self.width, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang),
                break_long_words=False, break_on_hyphens=False,
            )
            or [""]
        )  # fmt: skip

    def gap(self) -> None:
        """Leave one line empty."""
        if self.lines and self.lines[-1]:
            self.lines.append("")


def _head(page: _Page, report: dict[str, Any]) -> None:
    page.put(report["line"])
    page.gap()
    image, container, runtime = report["image"], report["container"], report["runtime"]
    lifted = " (the break-glass file lifted a denial)" if report["lifted"] else ""
    rows = [
        ("verdict", report["verdict"]),
        ("action", f"{report['action']}{lifted}"),
        ("error", "" if report["error"] in report["line"] else report["error"]),
        ("time", report["time"]),
        ("image", image["name"]),
        ("digest", image["digest"]),
        ("found in", image["store"]),
        ("not resolved", image["reason"]),
        ("container", container["id"]),
        ("namespace", container["namespace"]),
        ("engine", image["engine"]),
        ("runtime", " ".join([part for part in (runtime["name"], runtime["path"]) if part])),
        ("because", runtime.get("because", "")),
    ]
    for name, value in rows:
        if value:
            # A digest that has no room beside its name gets a line of its own, whole, so that it can be copied.
            hang = 14 if 14 + max(map(len, value.split())) <= page.width else 2
            page.put(f"{name + ':':<14}{value}", hang=hang)


def _document(page: _Page, document: dict[str, Any]) -> None:
    page.gap()
    who = _SOURCES.get(document["source"], document["source"])
    signer = f", signed by {document['signer']}" if document["signer"] else ""
    page.put(f"{document['verdict']}: {document['place']} (from {who}{signer})")
    if document["digest"]:
        page.put(document["digest"], 2)
    if not document["enforced"]:
        page.put("reported only, not enforced", 2)
    elif document["knob"]:
        page.put(f"{document['knob']} = {document['action']}", 2)
    if document["reason"] and not document["problems"]:
        page.put(document["reason"], 2)
    for problem in document["problems"]:
        page.put(f"- {problem}", 2)
    several = len(document["sets"]) > 1
    for number, one in enumerate(document["sets"]):
        if several:
            chosen = ", chosen" if document["chosen"] == number else ""
            what = " ".join([part for part in (one["tag"], one["description"]) if part])
            page.put(f"set {number + 1}{': ' + what if what else ''} ({one['result']}{chosen})", 2)
        for rule in one["rules"]:
            _rule(page, rule, 4 if several else 2)


def _rule(page: _Page, rule: dict[str, Any], indent: int) -> None:
    level = " (preferred)" if rule["level"] == "preferred" else ""
    neutral = " - does not apply here" if rule["applies"] == "nomatch" else ""
    page.put(f"[{_MARKS.get(rule['result'], rule['result'])}] {rule['name']}{level}{neutral}", indent)
    if rule["result"] == "match" and rule["applies"] != "unknown":
        return
    for leaf in rule["when"] if rule["applies"] == "unknown" else ():
        _leaf(page, leaf, indent + 5, "only where ")
    for leaf in rule["expressions"]:
        _leaf(page, leaf, indent + 5)
    for number, branch in enumerate(rule["any"]):
        page.put("either" if not number else "or", indent + 5)
        for leaf in branch:
            _leaf(page, leaf, indent + 7)
    if rule["documentation"]:
        page.put(f"see {rule['documentation']}", indent + 5)


def _leaf(page: _Page, leaf: dict[str, Any], indent: int, before: str = "") -> None:
    # Reports that an older hostfit kept have no instance.
    instance = leaf.get("instance", "")
    name = about(leaf["feature"], leaf["element"], instance, leaf["observed"])
    required = PRESENT if instance and leaf["element"] == NAME else leaf["required"]
    why = f" ({leaf['reason']})" if leaf["reason"] else ""
    mark = _MARKS.get(leaf["result"], leaf["result"])
    page.put(f"{mark} {before}{name}: required {required}, found {leaf['observed']}{why}", indent, 5)


def _candidates(page: _Page, report: dict[str, Any]) -> None:
    why: dict[str, list[str]] = {}
    for one in report["candidates"]:
        if one["reason"]:
            why.setdefault(one["reason"], []).append(one["name"])
    if not why:
        return
    page.gap()
    page.put("runtimes that were not taken:")
    for reason, names in why.items():
        page.put(f"{', '.join(names)}: {reason}", 2)


def _remedies(page: _Page, report: dict[str, Any]) -> None:
    from hostfit.gate.remedies import remedies  # reports without a complaint need none

    found = remedies(report)
    if not found:
        return
    page.gap()
    page.put("what can be done:")
    for one in found:
        page.put(f"- {one}", 2)
