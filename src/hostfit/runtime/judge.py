"""What wrapper and hook do alike around the gate's decision: the bundle before it, corrections after it."""

from __future__ import annotations

from hostfit.core.errors import BundleError
from hostfit.core.text import escape
from hostfit.oci.bundle import read_bundle, unchanged
from hostfit.oci.request import Bundle, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hostfit.core.paths import Paths
    from hostfit.gate.report import Report


def request(
    paths: Paths,
    gate: Any,
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
    """Read the bundle and give the request on it. `gate` is as for `judge`.

    Raises BundleError where the configuration cannot be understood, unless the break-glass file is there: then the
    bundle is empty but for the problem, and the runtime says what is wrong with it, if the gate lets it start.
    """

    def made(found: Bundle) -> Request:
        return Request(entry=entry, verb=verb, id=id, bundle=found, root=root, runtime=runtime, environ=environ)

    try:
        return made(read_bundle(bundle, config=config or "config.json"))
    except BundleError as error:
        from hostfit.policy import load  # the gate comes too late to be asked

        asked = made(Bundle(bundle, problem=error.message))
        if load.disabled(paths):
            return asked
        stopped(asked, paths, gate, error.message)
        raise


def judge(asked: Request, paths: Paths, gate: Any = None) -> Report:
    """Give the gate's report, published. `gate` answers decide and publish; by default it is hostfit.gate.gate."""
    if gate is None:
        from hostfit.gate import gate  # tests bring their own
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


def stopped(asked: Request, paths: Paths, gate: Any, message: str, report: Report | None = None) -> None:
    """Publish that a container was stopped for a reason that is not the gate's, so that journal and `why` have it.

    `report` is the gate's, where it had allowed the start. Failures change nothing: the engine is told all the same.
    """
    try:
        from hostfit.core.decision import failed  # rare
        from hostfit.core.image import Resolution  # rare
        from hostfit.gate.report import RUNTIME, Report  # rare
        from hostfit.gate.wording import wording  # rare

        if gate is None:
            from hostfit.gate import gate  # rare
        if report is None:
            resolution, decision = Resolution(""), failed(message)
        else:
            resolution = report.resolution
            decision = failed(message, verdict=report.decision.verdict, judgements=report.decision.judgements)
        gate.publish(Report(asked, resolution, decision, line=wording(message), error_kind=RUNTIME), paths)
    except Exception:  # noqa: BLE001 - as the docstring says
        return
