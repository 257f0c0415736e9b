"""What wrapper and hook do alike around the gate's decision: the bundle before it, corrections after it."""

from __future__ import annotations

from hostfit.core.errors import BundleError
from hostfit.core.text import escape
from hostfit.oci.bundle import read_bundle, unchanged
from hostfit.oci.request import Bundle, Request
from hostfit.runtime.abort import wording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.gate.report import Report


def request(
    paths: Paths,
    *,
    entry: str,
    verb: str,
    id: str,  # noqa: A002 - the runtime-spec's word
    bundle: str,
    config: str = "",
    root: str = "",
    runtime: str = "",
    environ: Mapping[str, str] | None = None,
) -> Request:
    """Read the bundle and give the request on it.

    Raises BundleError where the configuration cannot be understood, unless the break-glass file is there: then the
    bundle is empty, has no fingerprint, and the runtime says what is wrong with it.
    """
    try:
        found = read_bundle(bundle, config=config or "config.json")
    except BundleError:
        from hostfit.policy import load  # noqa: PLC0415 - the gate comes too late to be asked

        if not load.disabled(paths):
            raise
        found = Bundle(bundle)
    return Request(entry=entry, verb=verb, id=id, bundle=found, root=root, runtime=runtime, environ=environ)


def judge(asked: Request, paths: Paths, gate: Any = None) -> Report:
    """Give the gate's report, published. `gate` answers decide and publish; by default it is hostfit.gate.gate."""
    if gate is None:
        from hostfit.gate import gate  # noqa: PLC0415 - tests bring their own
    report: Report = gate.decide(asked, paths)
    gate.publish(report, paths)
    return report


def digest(bundle: Bundle) -> str:
    """Give the SHA-256 of the configuration that was read, empty where none was."""
    return str(bundle.fingerprint[-1]) if bundle.fingerprint else ""


def require_unchanged(bundle: Bundle) -> None:
    """Raise BundleError where the configuration on disk is no longer what was judged (security rule R8)."""
    if bundle.fingerprint and not unchanged(bundle):
        raise BundleError(f"{escape(bundle.path)}: the bundle's configuration must stay as it was judged, and changed")


def correct(report: Report, paths: Paths, gate: Any, message: str) -> None:
    """Publish that what was allowed did not start after all. Failures change nothing."""
    try:
        from hostfit.core.decision import failed  # noqa: PLC0415 - rare
        from hostfit.gate.report import RUNTIME, Report  # noqa: PLC0415 - rare

        if gate is None:
            from hostfit.gate import gate  # noqa: PLC0415 - rare
        decision = failed(message, verdict=report.decision.verdict, judgements=report.decision.judgements)
        gate.publish(
            Report(report.request, report.resolution, decision, line=wording(message), error_kind=RUNTIME), paths
        )
    except Exception:  # noqa: BLE001 - the engine is told all the same
        return
