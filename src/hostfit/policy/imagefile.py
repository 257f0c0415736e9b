"""One file of images.d (cold): which images, add or replace, and the spec.

What is wrong with `images` or `mode` makes the policy invalid. A spec that is not valid does so for the images that
the file names, whose containers are then judged by `on_error`; all others start as before.
"""

from __future__ import annotations

import os

from hostfit.core import limits
from hostfit.core.check import check, is_digest
from hostfit.core.read import read_tree
from hostfit.oci import site
from hostfit.oci.files import sha256
from hostfit.policy.fields import Finding, Table, shown
from hostfit.policy.images import ADD, MODES, Entry
from hostfit.policy.select import is_digest as looks_like_digest

_KEYS = ("images", "mode", "spec")
_PROBLEMS = 20
"""Problems of one spec that are kept for reports."""


def read_entry(data: bytes, *, file: str, findings: list[Finding]) -> Entry | None:
    """Give the entry of one file; what is wrong with it goes to `findings`."""
    # The YAML reader is no part of the interpreter, and an engine starts us without its directory.
    site.enable()
    tree, lines, problem = read_tree(data)
    if problem is not None:
        findings.append(Finding(file, problem.line, "", f"required YAML or JSON, found an error: {problem.message}"))
        return None
    if not isinstance(tree, dict):
        findings.append(Finding(file, 0, "", f"required a mapping with {', '.join(_KEYS)}, found {shown(tree)}"))
        return None
    before = len(findings)
    table = Table(tree, file=file, path="", lines=lines, findings=findings)
    table.known(_KEYS)
    patterns = table.texts("images")
    for pattern in patterns:
        if looks_like_digest(pattern) and not is_digest(pattern):
            table.wrong("images", f"required a glob or a digest with lower-case hex digits, found {shown(pattern)}")
        if len(pattern) > limits.REGEX:
            table.wrong("images", f"required at most {limits.REGEX} characters, found {len(pattern)}")
    for key in ("images", "spec"):
        if key not in tree:
            table.wrong("", f"required the key {key}, found none")
    mode = table.choice("mode", MODES, ADD)
    if len(findings) > before:
        return None
    spec, problems = check(tree["spec"], lines={_inner(path): line for path, line in lines.items() if _is_spec(path)})
    texts = tuple([str(one) for one in problems[:_PROBLEMS]])
    place = f"images.d/{os.path.basename(file)}"
    return Entry(patterns, place=place, mode=mode, spec=spec, problems=texts, digest=f"sha256:{sha256(data)}")


def _is_spec(path: str) -> bool:
    return path == "spec" or path.startswith("spec.")


def _inner(path: str) -> str:
    return path[len("spec.") :]
