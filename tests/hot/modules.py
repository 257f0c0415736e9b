"""The explicit lists of what a start imports. A module that is missing here has crept in: make it lazy, or argue."""

from __future__ import annotations


def words(text):
    return frozenset(text.split())


STANDARD = words(
    "__future__ _collections_abc _json _sha2 _sha256 _socket _stat _struct binascii errno gc genericpath os os.path"
    " posixpath stat syslog"
)
"""Of the standard library, beside what `python3 -I -S -c pass` itself has loaded."""

PASS = words(
    "hostfit hostfit.core hostfit.core.errors hostfit.core.fastjson hostfit.core.limits hostfit.core.paths"
    " hostfit.core.text hostfit.oci hostfit.oci.argv hostfit.oci.files hostfit.runtime hostfit.runtime.abort"
    " hostfit.runtime.behind hostfit.runtime.execve hostfit.runtime.fallback hostfit.runtime.passed"
    " hostfit.runtime.preload hostfit.runtime.record hostfit.runtime.wrapper"
)
"""For every verb."""

START = PASS | words(
    "hostfit.core.decision hostfit.core.document hostfit.core.facts hostfit.core.image hostfit.core.memo"
    " hostfit.core.results hostfit.core.spec hostfit.core.vocabulary hostfit.facts hostfit.facts.host"
    " hostfit.facts.root hostfit.facts.vocabulary hostfit.gate hostfit.gate.candidates"
    " hostfit.gate.deadline hostfit.gate.evaluate"
    " hostfit.gate.gate hostfit.gate.journal hostfit.gate.judging hostfit.gate.keep hostfit.gate.report"
    " hostfit.gate.words"
    " hostfit.oci.bundle hostfit.oci.digest hostfit.oci.inroot hostfit.oci.pod hostfit.oci.request hostfit.policy"
    " hostfit.policy.load hostfit.policy.model hostfit.runtime.judge hostfit.sources hostfit.sources.annotations"
    " hostfit.sources.collect hostfit.sources.elf hostfit.sources.resolve hostfit.sources.store"
)
"""For a start of a container that nothing says anything about."""

SPEC = words(
    "hostfit.core.checkrule hostfit.core.expressions hostfit.core.flat hostfit.core.flatclause"
    " hostfit.core.flatlex hostfit.core.flatrender hostfit.core.instances hostfit.core.match hostfit.core.problem"
    " hostfit.core.scalar hostfit.core.shape hostfit.core.suggest hostfit.core.terms hostfit.core.versions"
    " hostfit.facts.probes hostfit.facts.probes.kernel hostfit.facts.probes.sysctl hostfit.facts.site"
    " hostfit.facts.values hostfit.facts.vocabulary.kernel"
)
"""Besides, for a start with the flat form of a spec in the bundle that names two features."""

POLICY = words("hostfit.policy.compiled hostfit.version")
"""Besides, where there is a policy, which is compiled."""

HOOK = words("hostfit.oci.state hostfit.runtime.hook")
"""Besides, for the hook."""
