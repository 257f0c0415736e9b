"""Who refers to a subject: the referrers API with its pages, and the fallback tag where a registry has none.

Source: distribution-spec 1.1, listing referrers and referrers tag schema. A list is a hint: whatever it names is
fetched, verified and asked for its own subject before it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostfit.core import limits
from hostfit.core.errors import RegistryError
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests

if TYPE_CHECKING:
    from hostfit.oci.descriptor import Descriptor, Index
    from hostfit.sources.registry.client import Client
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.transport import Answer

CREATED = "org.opencontainers.image.created"
"""Image-spec, annotations.md; NFD takes the newest artifact by it."""
_WRONGLY_CREATED = "oci.opencontainers.image.created"
"""What NFD's own documentation calls it."""
_LONGEST = 64
"""Characters of a digest that a fallback tag keeps (distribution-spec, referrers tag schema)."""


class Referrers:
    """Descriptors of artifacts, the newest first and each once, and `place` where they were listed.

    `api` says whether that was the referrers API. `left_out` counts those beyond limits.ARTIFACTS of one
    list, the oldest: whoever decides must know that there are more.
    """

    __slots__ = ("api", "descriptors", "left_out", "place")

    def __init__(self, descriptors: tuple[Descriptor, ...], place: str, *, api: bool, left_out: int = 0) -> None:
        self.descriptors = descriptors
        self.place = place
        self.api = api
        self.left_out = left_out


def read(client: Client, subject: str, artifact_type: str, deadline: Deadline) -> Referrers:
    """List the artifacts of one type (all types if empty) that refer to `subject`. Raises RegistryError."""
    listed = _from_api(client, subject, artifact_type, deadline)
    api = listed is not None
    place = ("referrers" if api else f"tag {fallback_tag(subject)}") + f" of {client.endpoint.label}"
    if listed is None:
        listed = _from_tags(client, subject, deadline)
    wanted = [one for one in listed if not artifact_type or one.artifact_type == artifact_type]
    newest = sorted({one.digest: one for one in wanted}.values(), key=_age, reverse=True)
    kept = tuple(newest[: limits.ARTIFACTS])
    return Referrers(kept, place, api=api, left_out=len(newest) - len(kept))


def created(one: Descriptor) -> str:
    """When an artifact says it was made, in RFC 3339; empty where it does not or not so."""
    return timestamp(one.annotations.get(CREATED, "")) or timestamp(one.annotations.get(_WRONGLY_CREATED, ""))


def timestamp(text: str) -> str:
    """Bring an RFC 3339 time into a form that sorts, in UTC to the nanosecond; empty for anything else."""
    from datetime import UTC, datetime  # only where an artifact has a time

    if not text.isascii() or len(text) > 64:
        return ""
    whole, dot, rest = text.upper().partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    try:
        moment = datetime.fromisoformat(whole + rest[len(digits) :])
        if moment.tzinfo is None or "T" not in whole:
            return ""
        return f"{moment.astimezone(UTC).isoformat()[:19]}.{digits[:9]:0<9}Z"
    except (ValueError, OverflowError):
        return ""


def fallback_tag(subject: str, *, whole: bool = False) -> str:
    """The tag under which referrers are listed without the API; `whole` as containerd writes it, never cut."""
    algorithm, _, encoded = subject.partition(":")
    return f"{algorithm[:32]}-{encoded if whole else encoded[:_LONGEST]}"


def index_at(client: Client, tag: str, deadline: Deadline) -> tuple[Index, Answer] | None:
    """Give the index at a fallback tag, None where there is none or something else (then it is no list).

    Raises RegistryError for what is no manifest at all: that is a broken answer, not an empty one.
    """
    from hostfit.sources.registry.repository import ACCEPT, document  # which imports this file

    answer = client.call("GET", client.path("manifests", tag), headers={"Accept": ACCEPT}, deadline=deadline)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise client.fault(answer, f"tag {tag}", "status 200 or 404 is required")
    what = f"{client.endpoint.label}: tag {tag}"
    said = answer.headers.get("docker-content-digest", "")
    if said and not digests.matches(answer.body, said):
        raise RegistryError(f"{what}: content has another digest than {quoted(said)}")
    found = document(answer, what)
    return (found, answer) if isinstance(found, oci.Index) else None


def _age(one: Descriptor) -> tuple[str, str]:
    return created(one), one.digest


def _from_api(client: Client, subject: str, artifact_type: str, deadline: Deadline) -> list[Descriptor] | None:
    """Ask the API, page by page; None where the registry has none."""
    found: list[Descriptor] = []
    what = f"{client.endpoint.label}: referrers of {subject}"
    path = client.path("referrers", subject)
    query = {"artifactType": artifact_type} if artifact_type else {}
    seen: set[str] = set()
    for number in range(limits.REFERRER_PAGES):
        answer = client.call("GET", path, headers={"Accept": oci.OCI_INDEX}, query=query, deadline=deadline)
        if answer.status == 404 and number == 0:
            return None
        if answer.status != 200:
            raise client.fault(answer, f"referrers of {subject}", "status 200 or 404 is required")
        found += _page(answer, what)
        following = _next(client, answer, what)
        if not following:
            return found
        if following in seen:
            raise RegistryError(f"{what}: each page must lead to a new one, found {quoted(following)} twice")
        seen |= {following, answer.url}
        path, query = following, {}
    raise RegistryError(f"{what}: at most {limits.REFERRER_PAGES} pages are read, found more")


def _page(answer: Answer, what: str) -> tuple[Descriptor, ...]:
    if answer.media_type != oci.OCI_INDEX:
        raise RegistryError(f"{what}: media type must be {oci.OCI_INDEX}, found {quoted(answer.media_type)}")
    try:
        page = oci.parse(answer.body, what=what, media_type=answer.media_type)
    except ValueError as error:
        raise RegistryError(str(error)) from None
    if not isinstance(page, oci.Index):
        raise RegistryError(f"{what}: an index is required, found a manifest")
    return page.manifests


def _next(client: Client, answer: Answer, what: str) -> str:
    """The URL of the next page, which must be on the same host; empty for none."""
    from hostfit.sources.registry.client import join  # only where a registry pages
    from hostfit.sources.registry.headers import next_page  # as above

    link = answer.headers.get("link", "")
    target = next_page(link) if link else ""
    if not target:
        return ""
    url = join(answer.url, target)
    if not client.own(url):
        raise RegistryError(f"{what}: next page must be on the same host, found {quoted(escape(target))}")
    return url


def _from_tags(client: Client, subject: str, deadline: Deadline) -> list[Descriptor]:
    """Read the list at the fallback tag, or at the one that is not cut where they differ."""
    tags = dict.fromkeys([fallback_tag(subject), fallback_tag(subject, whole=True)])
    found: list[Descriptor] = []
    for tag in tags:
        listed = index_at(client, tag, deadline)
        # Some registries answer with the subject itself, whose members are no referrers.
        if listed is not None and not digests.matches(listed[1].body, subject):
            found += listed[0].manifests
    return found
