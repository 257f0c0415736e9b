"""What the man pages tell of the code's own tables: the vocabulary, differences from NFD, the policy, the messages."""

from __future__ import annotations

import re
from pathlib import Path

CATALOGUE = Path(__file__).resolve().parents[2] / "systemd" / "hostfit.catalog"


def plain(text):
    """Escape what Markdown would take for its own."""
    return "".join(["\\" + char if char in "\\`*_<>|[]" else char for char in text])


def definitions(rows):
    """Give a list of terms, which are Markdown already, each with its plain meaning."""
    return "\n\n".join([f"{term}\n: {plain(meaning)}" for term, meaning in rows])


def columns(rows):
    """Give rows of texts as a block of aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]) for row in rows]
    return "\n".join([f"    {line.rstrip()}" for line in lines])


def differences():
    """List where hostfit differs from NFD on purpose."""
    from hostfit.core.differences import DIFFERENCES as OF_RULES
    from hostfit.facts.differences import DIFFERENCES as OF_FACTS

    return "\n\n".join([
        f"NFD: {plain(one.nfd)}\n: **hostfit**: {plain(one.hostfit)} {plain(one.why)}" for one in (*OF_RULES, *OF_FACTS)
    ])  # fmt: skip


def features():
    """List the vocabulary."""
    from hostfit.facts import vocabulary

    return definitions([
        (f"**{plain(info.name)}** ({', '.join(info.kinds)})", f"{info.meaning}; from {info.source}")
        for info in vocabulary.features()
    ])  # fmt: skip


def findings():
    """List what hostfit doctor can find."""
    from hostfit.cli.checks.findings import KINDS

    return definitions([(f"**{one.id}** ({one.severity})", f"{one.meaning}; to mend it, {one.fix}") for one in KINDS])


def policy():
    """Show what stops a container and what does not, by asking the code that decides."""
    from hostfit.core.decision import Knobs, failed, judge
    from hostfit.core.document import BROKEN, IMAGE, MISSING, PRESENT, UNSYNCED, Document, Provenance
    from hostfit.core.results import FIT, INVALID, MISFIT, UNKNOWN, SpecResult

    cases = (
        ("all that is required holds", PRESENT, FIT),
        ("a requirement does not hold", PRESENT, MISFIT),
        ("a requirement cannot be determined", PRESENT, UNKNOWN),
        ("a spec or image is not in its store", MISSING, UNKNOWN),
        ("nobody looked for a spec of the image", UNSYNCED, UNKNOWN),
        ("a spec is invalid", PRESENT, INVALID),
        ("a store cannot be read", BROKEN, INVALID),
    )
    rows = [("FOUND", "VERDICT", "KEY", "DEFAULT")]
    for found, state, verdict in cases:
        document = Document(Provenance(IMAGE, ""), state=state)
        one = judge(document, SpecResult(verdict, (), None) if state == PRESENT else None, Knobs())
        rows.append((found, one.verdict, one.knob or "none", one.action))
    always = ("the configuration cannot be used", "hostfit itself fails")
    return columns([*rows, *[(found, failed("").verdict, "none", failed("").action) for found in always]])


def messages():
    """List the kinds of journal entries: the identifier, and what the catalogue calls it."""
    subjects = dict(re.findall(r"^-- ([0-9a-f]{32})\nSubject: (.*)$", CATALOGUE.read_text(), re.MULTILINE))
    rows = [(identifier, re.sub(r"@[A-Z_]+@", "...", subject)) for identifier, subject in subjects.items()]
    return columns([("MESSAGE_ID", "SAYS"), *rows])


FILLED = {
    "@DIFFERENCES@": differences,
    "@FEATURES@": features,
    "@FINDINGS@": findings,
    "@MESSAGES@": messages,
    "@POLICY@": policy,
}
"""What each mark of a page stands for."""
