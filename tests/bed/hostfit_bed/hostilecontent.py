"""What a hostile registry may have in its answers (T11): lists, images, artifacts and documents; see hostile.py."""

from __future__ import annotations

import json

from hostfit_bed.hostile import BLOBS, DOCUMENT, MANIFESTS, index, keeper, listing
from hostfit_bed.scripted import INDEX, MANIFEST, SPEC, digest_of

CASES = []
case = keeper(CASES)


# What answers in place of a list.


@case('media type must be application/vnd.oci.image.index.v1+json, found "text/html"')
def page_of_a_captive_portal(registry, subject, artifact):
    listing(registry, b"<html>Please log in</html>", content_type="text/html; charset=utf-8")


@case("not valid JSON")
def html_that_says_it_is_an_index(registry, subject, artifact):
    listing(registry, b"<html></html>")


@case("mediaType must be")
def manifest_in_place_of_a_list(registry, subject, artifact):
    listing(registry, registry.manifests[subject["digest"]][1])


@case("either manifests or config and layers is required, found both")
def list_that_is_a_manifest_too(registry, subject, artifact):
    listing(registry, index([], config=artifact, layers=[]))


@case("must be written manifests")
def key_in_another_case(registry, subject, artifact):
    listing(registry, index([artifact]).replace(b'"manifests"', b'"Manifests"'))


@case("is there twice")
def key_that_is_there_twice(registry, subject, artifact):
    listing(registry, index([artifact])[:-1] + b',"manifests":[]}')


@case("digest must be sha256 or sha512 in lower-case hex")
def malformed_digest(registry, subject, artifact):
    listing(registry, index([artifact | {"digest": "sha256:../../etc/passwd"}]))


@case("size must be a number of bytes")
def malformed_size(registry, subject, artifact):
    listing(registry, index([artifact | {"size": -1}]))


@case("at most 512 are allowed, found 1000000")
def million_descriptors(registry, subject, artifact):
    listing(registry, index([]).replace(b"[]", b"[" + b"{}," * 999_999 + b"{}]"))


@case("levels")
def list_of_lists_of_lists(registry, subject, artifact):
    listing(registry, index([]).replace(b"[]", b"[" * 50_000 + b"]" * 50_000))


# What the image is.


@case("content has another digest")
def tag_whose_digest_is_another(registry, subject, artifact):
    kind, data = registry.manifests[subject["digest"]]
    registry.lie(MANIFESTS + "v1", lambda handler, _: handler.reply(
        200, data, content_type=kind, docker_content_digest=digest_of(b"another"),
    ))  # fmt: skip


@case("content and media type")
def index_that_is_a_manifest(registry, subject, artifact):
    data = registry.manifests[subject["digest"]][1]
    unsaid = json.dumps({key: value for key, value in json.loads(data).items() if key != "mediaType"}).encode()
    registry.lie(MANIFESTS + "v1", lambda handler, _: handler.reply(200, unsaid, content_type=INDEX))


@case('a manifest or an index is required, found "text/html"')
def page_in_place_of_the_image(registry, subject, artifact):
    registry.lie(MANIFESTS + "v1", lambda handler, _: handler.reply(200, b"<html>", content_type="text/html"))


# What the artifact is.


def answer_for(registry, artifact, data, media_type=MANIFEST):
    registry.lie(MANIFESTS + artifact["digest"], lambda handler, _: handler.reply(200, data, content_type=media_type))


@case("content has another digest", refuses=False)
def artifact_of_another_digest(registry, subject, artifact):
    answer_for(registry, artifact, b"x" * artifact["size"])


@case("size must be", refuses=False)
def artifact_that_is_cut(registry, subject, artifact):
    answer_for(registry, artifact, registry.manifests[artifact["digest"]][1][:-1])


@case("answer must be at most", refuses=False)
def artifact_that_is_longer(registry, subject, artifact):
    answer_for(registry, artifact, registry.manifests[artifact["digest"]][1] + b" ")


@case("media type must be", refuses=False)
def artifact_sent_as_something_else(registry, subject, artifact):
    answer_for(registry, artifact, registry.manifests[artifact["digest"]][1], INDEX)


@case("no manifest", refuses=False)
def artifact_that_is_gone(registry, subject, artifact):
    del registry.manifests[artifact["digest"]]


@case("must be at most 4194304 bytes", refuses=False)
def artifact_that_would_be_huge(registry, subject, artifact):
    listing(registry, index([artifact | {"artifactType": SPEC, "size": 1 << 40}]))


@case("a manifest is required", refuses=False)
def list_that_names_a_picture(registry, subject, artifact):
    listing(registry, index([artifact | {"artifactType": SPEC, "mediaType": "image/png"}]))


@case("found an index", refuses=False)
def artifact_that_is_an_index(registry, subject, artifact):
    nested = registry.manifest(index([]))
    listing(registry, index([nested | {"artifactType": SPEC}]))


@case("subject must be", refuses=False)
def artifact_of_another_image(registry, subject, artifact):
    other = registry.artifact({**subject, "digest": digest_of(b"other")}, DOCUMENT)
    listing(registry, index([other | {"artifactType": SPEC}]))


@case("subject must be", refuses=False)
def artifact_of_nothing(registry, subject, artifact):
    plain = registry.image("", artifactType=SPEC)
    listing(registry, index([plain | {"artifactType": SPEC}]))


@case("artifact type must be", refuses=False)
def artifact_of_another_type(registry, subject, artifact):
    other = registry.artifact(subject, DOCUMENT, kind="application/spdx+json")
    listing(registry, index([other | {"artifactType": SPEC}]))


# What the document is.


def holding(registry, subject, layers):
    registry.listed[subject["digest"]].clear()
    registry.artifact(subject, DOCUMENT, layers=layers)


@case("one document is required, found 0", refuses=False)
def artifact_without_a_document(registry, subject, artifact):
    holding(registry, subject, [])


@case("one document is required, found 2", refuses=False)
def artifact_with_two_documents(registry, subject, artifact):
    layer = registry.blob(DOCUMENT, "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml")
    holding(registry, subject, [layer, layer])


@case("media type must be", refuses=False)
def document_that_is_a_layer(registry, subject, artifact):
    holding(registry, subject, [registry.blob(DOCUMENT, "application/vnd.oci.image.layer.v1.tar")])


@case("document must be at most 1048576 bytes", refuses=False)
def document_that_would_be_huge(registry, subject, artifact):
    layer = registry.blob(DOCUMENT, "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml")
    holding(registry, subject, [layer | {"size": 1 << 40}])


@case("content has another digest", refuses=False)
def document_of_another_digest(registry, subject, artifact):
    registry.lie(BLOBS, lambda handler, _: handler.reply(200, b"x" * len(DOCUMENT)))


@case("size must be", refuses=False)
def document_that_is_cut(registry, subject, artifact):
    registry.lie(BLOBS, lambda handler, _: handler.reply(200, DOCUMENT[:-1]))
