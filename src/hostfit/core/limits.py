"""Hard caps on everything that is read from outside (security rule R9). Bytes unless named otherwise."""

from __future__ import annotations

STATE_JSON = 1 << 20
CONFIG_JSON = 16 << 20
ANNOTATION = 256 << 10
DOCUMENT = 1 << 20
MANIFEST = 4 << 20
STORE_INDEX = 64 << 20
"""An engine's own list of containers or images: trusted, but read with an end in sight."""
POLICY_FILE = 1 << 20
FACTS_FILE = 16 << 20
PROC_FILE = 4 << 20
"""One file of procfs or sysfs; /proc/config.gz and modules.builtin are the largest."""
ELF_HEADERS = 1 << 20

DEPTH = 32
"""Levels of nesting of a document."""
NODES = 20_000
"""Mappings, lists and scalars of a document, all together."""
SETS = 64
RULES_PER_SET = 256
EXPRESSIONS = 4096
REGEX = 1024
REGEXES = 256
VALUES = 1024
STRING = 64 << 10
INTEGER = 1 << 63
"""Exclusive bound of the magnitude of an integer."""
INCLUDE_DEPTH = 8
DESCRIPTORS = 512
"""Descriptors of one image index."""
ARTIFACTS = 32
"""Artifacts of one subject; the newest count."""
REFERRER_PAGES = 16
"""Answers that one list of referrers may be spread over."""
ANSWERS = 64 << 20
"""All that one registry sends about one image; in memory it takes up to eight times as much."""
REDIRECTS = 5
"""Hops from one request to its answer."""

DIAGNOSTIC_VALUE = 200
"""Characters of one value in a message (security rule R15)."""
DIAGNOSTIC_LINE = 1000
"""Characters of the line that an engine shows; conmon and runc put it into one error string."""
