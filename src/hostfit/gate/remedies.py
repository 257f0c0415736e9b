"""What can be done about a decision, in the order in which people would try it (cold).

Names in a report come from images. One that is put into a command is checked first, so that nothing which a shell
would understand ends up in a line that people copy.
"""

from __future__ import annotations

from hostfit.core.check import is_digest
from hostfit.core.document import ARTIFACT
from hostfit.gate.report import KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MODULES = ("kernel.loadedmodule", "kernel.module")
_SYSCTL = "kernel.sysctl"
_DRIVERS = ("nvidia.driver", "amdgpu.driver")
_FIRMWARE = ("cpu.cpuid", "cpu.model", "cpu.microarch", "pci.device", "cpu.topology")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_MOST = 12


def remedies(report: dict[str, Any]) -> tuple[str, ...]:
    """Give sentences about what to do; none where the container fits."""
    found: list[str] = []
    if report["error"]:
        return _about_error(report)
    complaining = [one for one in report["documents"] if one["enforced"] and one["verdict"] != "fit"]
    for document in complaining:
        found.extend(_about_document(document))
    if report["action"] == "deny" or report["lifted"]:
        found.extend(_overrides(report, complaining))
    return tuple(dict.fromkeys(found))[:_MOST]


def _about_error(report: dict[str, Any]) -> tuple[str, ...]:
    if report["error"].startswith("policy "):
        lint = "`hostfit lint` checks the whole configuration (hostfit doctor: policy-invalid)"
        return (f"correct the file and line above; {lint}",)
    if report["error"].startswith("internal "):
        look = "look for HOSTFIT_TRACEBACK in the journal (journalctl -t hostfit -o verbose) and report it"
        return (look, *_glass(report))
    default = "name one that is installed as default in /etc/hostfit/hostfit.toml"
    return (f"install the runtime, or {default} (hostfit doctor: no-runtime)",)


def _about_document(document: dict[str, Any]) -> list[str]:
    if document["state"] == "unsynced":
        return ["run `hostfit sync` to look for specs of this image (hostfit doctor: store-unsynced)"]
    if document["verdict"] == "invalid":
        if document["source"] == ARTIFACT and not document["problems"]:
            # No spec was read: what was fetched is damaged, and no author can correct that.
            anew = "" if document["digest"] else " --accept-older"
            return [f"run `hostfit sync{anew}` for this image: what the spec store has of it is damaged"]
        return [f"have the spec corrected: {document['place']}; `hostfit lint` checks it"]
    found = []
    for one in document["sets"]:
        for rule in one["rules"]:
            if rule["level"] == "preferred" or rule["result"] == "match":
                continue
            leaves = [*rule["expressions"], *[leaf for branch in rule["any"] for leaf in branch]]
            for leaf in leaves:
                if leaf["result"] != "match":
                    found.extend(_about_leaf(leaf))
            if rule["documentation"]:
                found.append(f"read about {rule['name']}: {rule['documentation']}")
    return found


def _about_leaf(leaf: dict[str, Any]) -> list[str]:
    feature, element = leaf["feature"].lower(), leaf["element"]
    if leaf["result"] == "unknown":
        return [f"find out about {feature}: {leaf['reason']}"] if leaf["reason"] else []
    if feature in _MODULES:
        name = element if feature == "kernel.loadedmodule" else leaf.get("instance", "")
        needed = leaf["required"] not in ("absent", "no such element")
        return [f"modprobe {name}, or install the package that has this module"] if _plain(name) and needed else []
    if feature == _SYSCTL and _plain(element):
        value = leaf["required"].removeprefix("= ").strip()
        setting = f"sysctl -w {element}={value}" if _plain(value) else f"set {element}: {leaf['required']}"
        return [f"{setting}, and keep it in /etc/sysctl.d"]
    if feature in _DRIVERS:
        return [f"install another version of the driver: {feature} {element} must be {leaf['required']}"]
    if feature == "kernel.version":
        return [f"boot another kernel: {feature} {element} must be {leaf['required']}"]
    if feature in _FIRMWARE:
        return ["run it on a host that has this hardware; no setting adds it"]
    return []


def _overrides(report: dict[str, Any], complaining: list[dict[str, Any]]) -> list[str]:
    knobs = list(dict.fromkeys([one["knob"] for one in complaining if one["action"] == "deny" and one["knob"]]))
    digest, name = report["image"]["digest"], report["image"]["name"]
    found = []
    if digest or name:
        which = f'digest = "{digest}"' if is_digest(digest) else "its name"
        found = [f'to accept this for one image: [[scope]] with {which} and {knob} = "warn"' for knob in knobs]
        found.append("to give the image a spec of your own: a file in /etc/hostfit/images.d with mode: replace")
    return found if report["entry"] == "check" else [*found, *_glass(report)]


def _glass(report: dict[str, Any]) -> tuple[str, ...]:
    """What the break-glass file would do, or what to do about it where it did it; nothing where it could not."""
    if report["lifted"]:
        return ("remove /etc/hostfit/disabled to have verdicts enforced again (hostfit doctor: checks-disabled)",)
    if KEPT in report["error"]:
        return ()
    return ("touch /etc/hostfit/disabled lifts this, but no demand for a runtime, until the file is removed",)


def _plain(text: str) -> bool:
    return bool(text) and text[0] not in "-." and len(text) <= 128 and _PLAIN.issuperset(text)
