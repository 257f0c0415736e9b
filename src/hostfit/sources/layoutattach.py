"""Attaching a spec to an image in an OCI layout directory, finding what is attached there, and taking it off.

An artifact is a manifest with a subject that index.json lists without a tag, as ORAS writes it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hostfit.core import fastjson, limits
from hostfit.core.errors import HostfitError, SourceError
from hostfit.core.text import escape
from hostfit.oci import descriptor as oci
from hostfit.oci import digest as digests
from hostfit.oci.files import ensure_directory, read_capped, symbol, write_atomic
from hostfit.sources import manifest as manifests
from hostfit.sources.registry import attach as remote
from hostfit.sources.registry.artifacts import SPEC_TYPE, Artifact, accept

if TYPE_CHECKING:
    from hostfit.oci.descriptor import Descriptor
    from hostfit.sources.layout import Layout


def specs(layout: Layout, subject: str) -> tuple[Artifact, ...]:
    """Find and read the specs of one subject, the newest first. Raises SourceError."""
    found = [one for one in artifacts(layout, subject) if one.artifact_type == SPEC_TYPE]
    for one in found:
        try:
            layer = accept(one)
            data = layout.content(layer) if layer is not None else None
            if layer is not None:
                layer.verify(data or b"")
                one.data = data
        except (HostfitError, ValueError) as error:
            one.problem = str(error)
    return tuple(found)


def artifacts(layout: Layout, subject: str) -> tuple[Artifact, ...]:
    """Find the artifacts of one subject, of any type, the newest first. Raises SourceError."""
    found: dict[str, Artifact] = {}
    for entry in layout.entries():
        if entry.media_type != oci.OCI_MANIFEST:
            continue
        try:
            manifest = manifests.fetch(entry, layout.content)
        except ValueError as error:
            raise SourceError(f"{escape(layout.label)}: {error}") from None
        if isinstance(manifest, oci.Manifest) and manifest.subject is not None and manifest.subject.digest == subject:
            entry.annotations = dict(manifest.annotations)
            found[entry.digest] = one = Artifact(entry, subject, layout.label)
            one.manifest = manifest
    return tuple(sorted(found.values(), key=lambda one: (one.created, one.digest), reverse=True))


def attach(layout: Layout, subject: Descriptor, document: bytes, *, title: str, created: str) -> str:
    """Attach a document to a subject of the layout and give the artifact's digest. Raises SourceError."""
    data = remote.spec_manifest(subject, document, title=title, created=created)
    for blob in (*remote.blobs(document), data):
        _write(layout, f"blobs/{digests.of(blob).replace(':', '/')}", blob)
    digest = digests.of(data)
    entry = {"mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(data), "artifactType": SPEC_TYPE}
    _change(layout, lambda entries: [*entries, entry])
    return digest


def detach(layout: Layout, artifact: str) -> None:
    """Take an artifact out of index.json; its blobs stay, as other tools leave them too. Raises SourceError."""
    _change(layout, lambda entries: [one for one in entries if one.get("digest") != artifact])


def _change(layout: Layout, change: Any) -> None:
    """Replace index.json as a whole; what else it holds stays as it is."""
    path = f"{layout.directory}/index.json"
    try:
        tree = fastjson.loads(read_capped(path, limits.MANIFEST), what="index.json", cap=limits.MANIFEST)
        tree["manifests"] = change(list(tree["manifests"]))
    except OSError as error:
        raise SourceError(f"{escape(layout.label)}: index.json: {symbol(error)}") from None
    except (ValueError, TypeError, KeyError):
        raise SourceError(f"{escape(layout.label)}: index.json: a list of manifests is required") from None
    _write(layout, "index.json", fastjson.dumps(tree).encode())


def _write(layout: Layout, name: str, data: bytes) -> None:
    path = f"{layout.directory}/{name}"
    folder = os.path.dirname(path)
    try:
        inside = os.path.join(os.path.realpath(layout.directory), os.path.dirname(name)).rstrip("/")
        if os.path.realpath(folder) != inside:
            raise SourceError(f"{escape(layout.label)}: {escape(name)}: must lie in the layout, found a link elsewhere")
        ensure_directory(folder, 0o755)
        write_atomic(path, data, 0o644)
    except OSError as error:
        raise SourceError(f"{escape(layout.label)}: {escape(name)}: {symbol(error)}") from None
