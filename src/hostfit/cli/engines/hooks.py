"""The definition of the createRuntime hook that Podman and CRI-O read (oci-hooks(5))."""

from __future__ import annotations

import json

DIRECTORIES = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"]
"""In the order in which they are to be read: a file of a later one masks that of the same name in an earlier one."""
PLACE = f"{DIRECTORIES[1]}/50-hostfit.json"
ENVIRONMENT = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
"""Given always: without it a hook may get the environment of the image (security rule R1)."""


def definition(program: str) -> str:
    """Give the text of the definition that runs `program` for every container."""
    hook = {"path": program, "args": ["hostfit-hook"], "env": ENVIRONMENT, "timeout": 10}
    tree = {"version": "1.0.0", "hook": hook, "when": {"always": True}, "stages": ["createRuntime"]}
    return json.dumps(tree, indent=2) + "\n"


def written(text: str | None) -> bool:
    """Whether a definition is one that setup wrote: exactly its form, whatever program it runs."""
    try:
        return text is not None and text == definition(json.loads(text)["hook"]["path"])
    except (ValueError, TypeError, LookupError):
        return False


def directories(current: list[str] | None) -> list[str]:
    """Give the directories that an engine is to read hooks from: its own ones, and ours where it lacks it."""
    known = list(current) if current else DIRECTORIES[:1]
    return known if DIRECTORIES[1] in known else [*known, DIRECTORIES[1]]
