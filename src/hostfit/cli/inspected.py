"""What `hostfit inspect` found, as a tree for JSON and as text: subject by subject, spec by spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.cli import needs
from hostfit.cli.table import render
from hostfit.core.text import escape

if TYPE_CHECKING:
    from hostfit.cli.console import Console
    from hostfit.core.vocabulary import Lookup
    from hostfit.sources.registry.artifacts import Artifact
    from hostfit.sources.registry.inspection import Inspector, Spec, Subject

VERSION = "hostfit.inspection/v1"
_LONGEST = 2000
_HEADERS = ("REQUIREMENT", "REQUIRED", "MEANING")


def tree(name: str, digest: str, inspector: Inspector, lookup: Lookup) -> dict[str, Any]:
    """Give everything as plain values; all texts are escaped."""
    return {
        "version": VERSION,
        "image": _text(name),
        "digest": digest,
        "subjects": [_subject(one, lookup) for one in inspector.subjects.values()],
        "notes": [_once(note) for note in inspector.notes],
    }


def _subject(subject: Subject, lookup: Lookup) -> dict[str, Any]:
    return {
        "kind": subject.kind,
        "role": "base" if subject.base else "image",
        "name": _text(subject.name),
        "digest": subject.digest,
        "platform": _text(subject.platform),
        "specs": [_spec(one, lookup) for one in subject.specs],
        "left_out": subject.left_out,
        "sboms": [
            {
                "digest": one.digest, "format": one.format, "artifact_type": _text(one.artifact_type),
                "created": one.created, "place": _text(one.place),
            }
            for one in subject.sboms
        ],
        "artifacts": [_artifact(one) for one in subject.others],
    }  # fmt: skip


def _spec(spec: Spec, lookup: Lookup) -> dict[str, Any]:
    document = spec.document
    problems = [_once(str(one)) for one in document.problems] or ([_once(document.reason)] if document.reason else [])
    return {
        "authority": document.provenance.authority,
        "place": _text(document.provenance.place),
        "digest": document.provenance.digest,
        "artifact": spec.artifact.digest if spec.artifact is not None else "",
        "created": spec.artifact.created if spec.artifact is not None else "",
        "older": spec.older,
        "signers": [_text(one) for one in spec.signers] if spec.signers is not None else None,
        "state": document.state,
        "problems": problems if document.spec is None else [],
        "includes": [one.digest for one in document.spec.includes] if document.spec is not None else [],
        "sets": needs.sets(document.spec, lookup) if document.spec is not None else [],
    }


def _artifact(one: Artifact) -> dict[str, Any]:
    return {
        "digest": one.digest, "artifact_type": _text(one.artifact_type), "created": one.created,
        "place": _text(one.place), "problem": _once(one.problem),
    }  # fmt: skip


def show(tree: dict[str, Any], console: Console) -> None:
    """Print the tree as text."""
    console.print(console.paint(f"{tree['image']} ({tree['digest']})", "bold"))
    for subject in tree["subjects"]:
        _show_subject(subject, console)
    for note in tree["notes"]:
        console.print(f"\nnote: {note}")


def _show_subject(subject: dict[str, Any], console: Console) -> None:
    role = "base image, " if subject["role"] == "base" else ""
    platform = f" for {subject['platform']}" if subject["platform"] else ""
    console.print("\n" + console.paint(f"{role}{subject['kind']} {subject['digest']}{platform}", "bold"))
    if role:
        console.print(f"  of {subject['name']}")
    if not subject["specs"]:
        console.print("  no spec")
    for spec in subject["specs"]:
        _show_spec(spec, console)
    if subject["left_out"]:
        console.print(f"  {subject['left_out']} older artifacts are not read")
    for one in subject["sboms"]:
        console.print(f"  SBOM ({one['format']}): {one['digest']} in {one['place']}")
    for one in subject["artifacts"]:
        problem = f": {one['problem']}" if one["problem"] else ""
        console.print(f"  other artifact ({one['artifact_type'] or 'no type'}): {one['digest']}{problem}")


def _show_spec(spec: dict[str, Any], console: Console) -> None:
    console.print(f"  spec: {spec['place']}")
    facts = []
    if spec["artifact"]:
        facts.append(f"created {spec['created'][:19]}Z" if spec["created"] else "created at no known time")
        facts.append(_signed(spec["signers"]))
        facts.append("a newer one counts in its place" if spec["older"] else "")
    shown = ", ".join([one for one in facts if one])
    if shown:
        console.print(f"    {shown}")
    for problem in spec["problems"]:
        console.print(console.paint(f"    {spec['state']}: {problem}", "red"))
    for number, one in enumerate(spec["sets"]):
        if spec["older"]:
            return
        _show_set(one, console, first=number == 0)


def _signed(signers: list[str] | None) -> str:
    if signers is None:
        return "signatures not checked"
    return f"signed by {', '.join(signers)}" if signers else "not signed"


def _show_set(one: dict[str, Any], console: Console, *, first: bool) -> None:
    told = [one["description"] or "compatibility set", f"(weight {one['weight']})" if one["weight"] else ""]
    console.print(f"    {'' if first else 'or '}{' '.join([word for word in told if word])}")
    for rule in one["rules"]:
        console.print(f"      {rule['name']} ({rule['level']})")
        if rule["documentation"]:
            console.print(f"        see {rule['documentation']}")
        for number, group in enumerate(rule["when"]):
            _show_group(group, "only where" if number == 0 else "or where", console)
        for number, group in enumerate(rule["needs"]):
            _show_group(group, ("" if not rule["when"] else "is required") if number == 0 else "or", console)


def _show_group(group: list[dict[str, str]], head: str, console: Console) -> None:
    if head:
        console.print(f"        {head}:")
    rows = [(f"{row['feature']}.{row['element']}".rstrip("."), row["required"], row["meaning"]) for row in group]
    for line in render(_HEADERS, rows, console.width - 8).splitlines():
        console.print(f"        {line}")


def _text(text: str) -> str:
    return escape(text, _LONGEST)


def _once(text: str) -> str:
    """A message whose values were escaped where it was made."""
    return text[:_LONGEST] if text.isprintable() else escape(text, _LONGEST)
