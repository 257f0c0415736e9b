"""Runtimes that run images of some platforms only, or of one that no host has, such as WebAssembly."""

from __future__ import annotations

from hostfit.core.document import IMAGE, Document, Provenance
from hostfit.core.platform import WASM, normalise
from hostfit.core.spec import CompatibilitySet, Expression, Matcher, Rule, Spec, Term

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hostfit.gate.judging import Question


def narrowed(asked: Question, platforms: tuple[str, ...]) -> tuple[Document, ...]:
    """Give the document that keeps an image from a runtime which does not name its platform; none where it does.

    `OS` alone stands for every architecture that the host itself runs.
    """
    image = asked.resolution.image
    if image is None or image.platform is None:
        return ()
    wanted = normalise(image.platform)
    if not wanted.os or not wanted.architecture or wanted.architecture in WASM or wanted.os in platforms:
        return ()
    name = f"{wanted.os}/{wanted.architecture}"
    if name in platforms or f"{name}/{wanted.variant}" in platforms:
        return ()
    term = Term("runtime.platform", {name: Expression("Exists")}, path="platform")
    rule = Rule(f"platform {image.platform}", Matcher((term,)), path="platform")
    place = f"platform of image {image.digest or image.config_digest}"
    return (Document(Provenance(IMAGE, place), spec=Spec((CompatibilitySet((rule,)),))),)
