"""`local.label` and `local.feature`: the feature files of NFD's local source.

Format: NFD's customization guide, "local feature source": `key` or `key=value` lines, and comments that begin with
`# +` and hold for what follows: `+expiry-time=RFC 3339` until the next one, `+no-label`, `+no-feature` for one line.
"""

from __future__ import annotations

import time

from hostfit.core.facts import Feature, Unknown
from hostfit.facts.root import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.facts.root import Root

DIRECTORY = "/etc/kubernetes/node-feature-discovery/features.d"
_FILE = 64 << 10


def read(root: Root, feature: str, names: set[str] | None) -> Feature:
    """Read one of the features. Raises OSError."""
    del names
    if feature == "rule.matched":
        # Filled by whoever evaluates a set, from the rules before.
        return Feature(attributes={})
    found: dict[str, str | Unknown] = {}
    unknown = None
    files = root.names(DIRECTORY) if root.exists(DIRECTORY) else []
    for name in files:
        if name.startswith("."):
            continue
        try:
            text = root.text(f"{DIRECTORY}/{name}", _FILE)
        except OSError as error:
            # A directory or a broken file hides what it would have said, and nothing of the other files.
            unknown = Unknown(reason(error))
            continue
        found.update(parse(text, "no-label" if feature == "local.label" else "no-feature", time.time()))
    return Feature(attributes=found, unknown=unknown)


def parse(text: str, left_out: str, now: float) -> dict[str, str]:
    """Give the values of one file, without lines that have expired or are marked with `left_out`."""
    found = {}
    expired = False
    marked = False
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("#"):
            directive, _, value = line.lstrip("#").strip().partition("=")
            if directive == "+expiry-time":
                expired = expiry(value.strip()) <= now
            elif directive == "+" + left_out:
                marked = True
            continue
        if not line:
            continue
        key, equals, value = line.partition("=")
        if not expired and not marked:
            found[key.strip()] = value.strip() if equals else "true"
        marked = False
    return found


def expiry(text: str) -> float:
    """Give the time of an RFC 3339 text in seconds since 1970; what is none has expired already."""
    # Files with an expiry time are rare.
    from datetime import datetime  # see the line above

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return moment.timestamp() if moment.tzinfo is not None else 0.0
