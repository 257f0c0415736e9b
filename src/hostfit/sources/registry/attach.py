"""Attaching a spec to an image on its registry, and taking it off: the only code that writes to a registry.

Source: distribution-spec 1.1, pushing manifests with subject and referrers tag schema; image-spec, guidelines for
artifact usage. Only the registry itself is written to, never a mirror.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostfit.core import fastjson, limits
from hostfit.core.errors import HostfitError, NoSuchImageError, RegistryError, UnreachableError
from hostfit.core.text import escape, quoted
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.sources.registry import artifacts
from hostfit.sources.registry import referrers as lists
from hostfit.sources.registry.artifacts import SPEC_TYPE, SPEC_YAML

if TYPE_CHECKING:
    from hostfit.oci.descriptor import Descriptor
    from hostfit.sources.registry.client import Client
    from hostfit.sources.registry.deadline import Deadline
    from hostfit.sources.registry.repository import Repository
    from hostfit.sources.registry.transport import Answer

_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_WRITES = "pull,push"
_TRIES = 3
"""Times that the list at a fallback tag is written until ours is in it: two writers may overtake each other."""


def spec_manifest(subject: Descriptor, document: bytes, *, title: str, created: str) -> bytes:
    """The manifest of an artifact that attaches a document to a subject; `created` is a time in RFC 3339."""
    layer = {"mediaType": SPEC_YAML, "digest": digests.of(document), "size": len(document)}
    tree = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_MANIFEST,
        "artifactType": SPEC_TYPE,
        "config": {"mediaType": _EMPTY_TYPE, "digest": digests.of(_EMPTY), "size": len(_EMPTY)},
        "layers": [layer | ({"annotations": {"org.opencontainers.image.title": title}} if title else {})],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
        "annotations": {lists.CREATED: created},
    }
    return fastjson.dumps(tree).encode()


def blobs(document: bytes) -> tuple[bytes, ...]:
    """The blobs that such a manifest names."""
    return (_EMPTY, document)


def attach(
    repository: Repository, subject: Descriptor, document: bytes, *, title: str, created: str, deadline: Deadline
) -> str:
    """Attach a document to a subject of this repository and give the artifact's digest. Raises RegistryError."""
    client = repository.writer()
    for blob in blobs(document):
        _push_blob(client, blob, deadline)
    data = spec_manifest(subject, document, title=title, created=created)
    digest = digests.of(data)
    answer = _put(client, digest, data, oci.OCI_MANIFEST, deadline)
    if answer.headers.get("oci-subject", "") != subject.digest:
        entry = {
            "mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(data), "artifactType": SPEC_TYPE,
            "annotations": {lists.CREATED: created},
        }  # fmt: skip
        _change_tag(client, subject.digest, add=entry, remove="", deadline=deadline)
    return digest


def detach(repository: Repository, subject: str, artifact: str, *, listed_by_api: bool, deadline: Deadline) -> None:
    """Take an artifact off a subject, both by their digests. Raises RegistryError where the registry deletes nothing.

    Without the referrers API the list at the fallback tag says what is attached; there it is enough to change that.
    Only a spec of this subject is deleted: whoever may write the list could name any manifest of the repository in it.
    """
    client = repository.writer()
    problem = _foreign(repository, subject, artifact, deadline)
    if problem and listed_by_api:
        raise RegistryError(f"{client.endpoint.label}: {problem}; it is not deleted")
    if not listed_by_api:
        _change_tag(client, subject, add=None, remove=artifact, deadline=deadline)
    if problem:
        return
    answer = client.call("DELETE", client.path("manifests", artifact), deadline=deadline, actions="pull,push,delete")
    if answer.status in (202, 200, 204, 404) or (answer.status in (400, 405) and not listed_by_api):
        return
    error = client.fault(answer, f"manifest {artifact}", "status 202 is required to delete it")
    hint = "where a registry deletes nothing, attach a newer spec: it counts in the place of this one"
    raise type(error)(error.message, hint=error.hint or hint)


def _foreign(repository: Repository, subject: str, artifact: str, deadline: Deadline) -> str:
    """Why a manifest is no spec of this subject; empty where it is one, or is gone. Raises UnreachableError."""
    try:
        found = artifacts.Artifact(repository.resolve(artifact, deadline), subject, "")
        problem = artifacts.manifest(repository, found, deadline)
    except NoSuchImageError:
        return ""
    except UnreachableError:
        raise
    except HostfitError as error:
        return error.message
    if problem or found.artifact_type == SPEC_TYPE:
        return problem
    return f"artifact {artifact}: artifact type must be {SPEC_TYPE}, found {quoted(found.artifact_type)}"


def _push_blob(client: Client, data: bytes, deadline: Deadline) -> None:
    digest = digests.of(data)
    there = client.call("HEAD", client.path("blobs", digest), deadline=deadline, actions=_WRITES)
    if there.status == 200:
        return
    start = client.call("POST", client.path("blobs", "uploads") + "/", body=b"", deadline=deadline, actions=_WRITES)
    if start.status != 202:
        raise client.fault(start, "upload", "status 202 is required")
    place = _upload_place(client, start)
    url = place + ("&" if "?" in place else "?") + "digest=" + digest.replace(":", "%3A")
    kind = {"Content-Type": "application/octet-stream"}
    done = client.call("PUT", url, headers=kind, body=data, deadline=deadline, actions=_WRITES)
    if done.status != 201:
        raise client.fault(done, f"blob {digest}", "status 201 is required")


def _upload_place(client: Client, start: Answer) -> str:
    """Where a blob is to be sent, which must be on the same host: our credentials go along."""
    from hostfit.sources.registry.client import join  # layouts need no client

    place = join(start.url, start.headers.get("location", ""))
    if start.url.startswith("https://") and place.startswith("http://"):
        # A registry behind a proxy that does not know of the TLS before it.
        place = "https://" + place.removeprefix("http://")
    if not start.headers.get("location") or not client.own(place):
        found = quoted(start.headers.get("location", ""))
        raise RegistryError(f"{client.endpoint.label}: upload must go to the same host, found {found}")
    return place


def _put(
    client: Client, name: str, data: bytes, media_type: str, deadline: Deadline, *, match: str = ""
) -> Answer:  # fmt: skip
    kind = {"Content-Type": media_type, **({"If-Match": match} if match else {})}
    answer = client.call(
        "PUT", client.path("manifests", name), headers=kind, body=data, deadline=deadline, actions=_WRITES
    )
    if answer.status not in (201, 412) or (answer.status == 412 and not match):
        raise client.fault(answer, f"manifest {escape(name)}", "status 201 is required")
    return answer


def _change_tag(
    client: Client, subject: str, *, add: dict[str, Any] | None, remove: str, deadline: Deadline
) -> None:  # fmt: skip
    """Bring the list at the fallback tag up to date, again where somebody else wrote it in the meantime."""
    tag = lists.fallback_tag(subject)
    wanted = add["digest"] if add is not None else remove
    for _ in range(_TRIES):
        entries, match = _listed(client, tag, subject, deadline)
        known = [one["digest"] for one in entries]
        if (wanted in known) == (add is not None):
            return
        entries = [one for one in entries if one["digest"] != remove] + ([add] if add is not None else [])
        if len(entries) > limits.DESCRIPTORS:
            raise RegistryError(f"{client.endpoint.label}: tag {tag}: at most {limits.DESCRIPTORS} artifacts fit")
        tree = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": entries}
        _put(client, tag, fastjson.dumps(tree).encode(), oci.OCI_INDEX, deadline, match=match)
    entries, _ = _listed(client, tag, subject, deadline)
    if (wanted in [one["digest"] for one in entries]) != (add is not None):
        raise RegistryError(f"{client.endpoint.label}: tag {tag}: others write it again and again; try later")


def _listed(client: Client, tag: str, subject: str, deadline: Deadline) -> tuple[list[dict[str, Any]], str]:
    """The entries at a fallback tag as they are written there, and the entity tag to replace just these."""
    found = lists.index_at(client, tag, deadline)
    if found is None or digests.matches(found[1].body, subject):
        return [], ""
    tree = fastjson.loads(found[1].body, what=tag, cap=limits.MANIFEST)
    return list(tree["manifests"]), found[1].headers.get("etag", "")
