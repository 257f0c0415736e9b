"""The features `request.*`: what bundle and image say, for the rules by which the administrator gives runtimes work.

Whatever only the image says can be left out as unknown, so that it takes no part in a rule that grants something.
"""

from __future__ import annotations

from hostfit.core.facts import Feature, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hostfit.gate.judging import Question

_CDI = "cdi.k8s.io/"
_ONLY_IMAGE = "only the image says so"
_NOT_KNOWN = "the image is not known, which may be who says so"
_HOSTFIT = "io.hostfit."


def features(question: Question, *, trusted: bool = False) -> dict[str, Feature]:
    """Give the features of one request; with `trusted` what only the image says, or may say, is unknown."""
    bundle, image = question.request.bundle, question.resolution.image
    env = [entry for entry in bundle.env if "=" in entry]
    if not bundle.path and image is not None:
        # Nobody has made a bundle: an engine would take over what the image says.
        env = [entry for entry in image.env if "=" in entry]
    theirs = image.env if image is not None else ()
    untold = question.resolution.untold
    variables: dict[str, str | Unknown] = {}
    for entry in env:
        name, _, value = entry.partition("=")
        hidden = trusted and (untold or entry in theirs)
        variables[name] = Unknown(_NOT_KNOWN if untold else _ONLY_IMAGE) if hidden else value
    notes: dict[str, str | Unknown] = {}
    said = () if image is None else (image.manifest_annotations, image.index_annotations, image.labels)
    for name, value in bundle.annotations.items():
        if trusted and any([one.get(name) == value for one in said]):
            notes[name] = Unknown(_ONLY_IMAGE)
        elif trusted and untold and (name.startswith(_HOSTFIT) or question.resolution.engine == "podman"):
            notes[name] = Unknown(_NOT_KNOWN)
        else:
            notes[name] = value
    devices = [*bundle.devices, *[source for source, _ in bundle.mounts if source.startswith("/dev/")]]
    return {
        "request.env": Feature(attributes=variables),
        "request.annotation": Feature(attributes=notes),
        "request.image": _image(question, trusted=trusted),
        "request.device": Feature(instances=[{"path": path} for path in dict.fromkeys(devices)]),
        "request.cdi": Feature(instances=_cdi(notes.items())),
    }


def without_image(trusted: dict[str, Feature]) -> dict[str, Feature]:
    """Give the features of a request as if the image had said nothing, of those that `features` gives as trusted."""
    return {
        name: Feature(
            attributes=None if one.attributes is None else _known(one.attributes),
            instances=None if one.instances is None else [found for found in map(_known, one.instances) if found],
            unknown=one.unknown,
        )
        for name, one in trusted.items()
    }


def _known(values: Mapping[str, str | Unknown]) -> dict[str, str | Unknown]:
    return {name: value for name, value in values.items() if not isinstance(value, Unknown)}


def _image(question: Question, *, trusted: bool) -> Feature:
    image, found = question.image, question.resolution.image
    attributes: dict[str, str | Unknown] = {"namespace": question.namespace, "engine": question.resolution.engine}
    if image is not None and image.name:
        attributes["name"] = image.name
    if found is not None:
        attributes["digest"] = found.digest or found.config_digest
        if found.platform is not None:
            only = Unknown(_ONLY_IMAGE)
            attributes["os"] = only if trusted else found.platform.os
            attributes["architecture"] = only if trusted else found.platform.architecture
    unknown = Unknown(question.resolution.reason or _NOT_KNOWN) if question.resolution.unresolved else None
    return Feature(attributes={name: value for name, value in attributes.items() if value}, unknown=unknown)


def _cdi(notes: Iterable[tuple[str, str | Unknown]]) -> list[dict[str, str | Unknown]]:
    """The devices that annotations ask for (CDI, annotations of Kubernetes): VENDOR/CLASS=NAME, with commas between."""
    found: list[dict[str, str | Unknown]] = []
    for key, value in notes:
        if not key.startswith(_CDI):
            continue
        if isinstance(value, Unknown):
            found.append(dict.fromkeys(("name", "vendor", "class", "device"), value))
            continue
        for name in value.split(","):
            vendor, _, rest = name.partition("/")
            kind, _, device = rest.partition("=")
            found.append({"name": name, "vendor": vendor, "class": kind, "device": device})
    return found
