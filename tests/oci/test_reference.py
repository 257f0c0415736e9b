"""Names of images: the grammar of distribution/reference, Docker's defaults, and what is refused."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostfit.oci import reference

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest"),
    [
        ("test_com", "", "test_com", "", ""),
        ("test.com:tag", "", "test.com", "tag", ""),
        ("test.com:5000", "", "test.com", "5000", ""),
        ("test.com/repo:tag", "test.com", "repo", "tag", ""),
        ("test:5000/repo", "test:5000", "repo", "", ""),
        ("test:5000/repo:tag", "test:5000", "repo", "tag", ""),
        (f"test:5000/repo@{D}", "test:5000", "repo", "", D),
        (f"test:5000/repo:tag@{D}", "test:5000", "repo", "tag", D),
        ("lowercase:Uppercase", "", "lowercase", "Uppercase", ""),
        ("sub-dom1.foo.com/bar/baz/quux", "sub-dom1.foo.com", "bar/baz/quux", "", ""),
        (
            "b.gcr.io/test.example.com/my-app:test.example.com",
            "b.gcr.io",
            "test.example.com/my-app",
            "test.example.com",
            "",
        ),
        ("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", ""),
        ("foo_bar.com:8080", "", "foo_bar.com", "8080", ""),
        ("foo/foo_bar.com:8080", "foo", "foo_bar.com", "8080", ""),
        ("192.168.1.1:8080/a--b__c", "192.168.1.1:8080", "a--b__c", "", ""),
        ("[2001:db8::1]:5000/repo:1", "[2001:db8::1]:5000", "repo", "1", ""),
        ("[2001:db8::1]/repo", "[2001:db8::1]", "repo", "", ""),
        ("localhost/hostfit/upf:1", "localhost", "hostfit/upf", "1", ""),
    ],
)
def test_names_come_apart_and_together_again(text, domain, path, tag, digest):
    made = reference.parse(text)

    assert (made.domain, made.path, made.tag, made.digest) == (domain, path, tag, digest)
    assert str(made) == text


@pytest.mark.parametrize(
    "text",
    ["", ":justtag", f"@{D}", "repo@sha256:ffff",
     f"validname@invaliddigest:{'f' * 64}", "Uppercase:tag", "a//b", "/a", "a/",
     "-a/b", "a:", "a:.tag", "a:-tag", "a:" + "t" * 129, "a" * 256, "a_", "_a", "a___b",
     "a.-b", "a..b", "repo:tag:tag", "[::1/repo",
     "[fe80::1%eth0]/repo", "re\npo", "repo\x1b[31m", "repo:ta\ng", "répo", "a b", f"repo@{D}@{D}", "a/../b"],
)  # fmt: skip
def test_whatever_else_is_refused_on_one_line(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at below
        reference.parse(text)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("busybox", "docker.io/library/busybox"),
        ("free5gc/upf:1", "docker.io/free5gc/upf:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        ("index.docker.io/a/b", "docker.io/a/b"),
        ("localhost/upf", "localhost/upf"),
        ("quay.io/a/b:c", "quay.io/a/b:c"),
        ("host:5000/b", "host:5000/b"),
    ],
)
def test_short_names_get_docker_s_defaults(text, full):
    assert str(reference.normalised(text)) == full


@pytest.mark.parametrize("text", ["a_b.c/x", "a.b:0/x", "a.b:65536/x", "a.b:99999999999/x", "[::1]:0/x"])
def test_a_registry_is_a_host_that_can_be_asked(text):
    with pytest.raises(ValueError, match="registry must be a host that can be asked"):
        reference.qualified(text)


@pytest.mark.parametrize("text", ["a.b/x", "a.b:65535/x", "[::1]/x", "[fe80::1]:5000/x", "localhost:1/x"])
def test_a_registry_may_have_a_port(text):
    assert str(reference.qualified(text)) == text


def test_an_image_id_is_no_name():
    with pytest.raises(ValueError, match="image ID"):
        reference.normalised("f" * 64)


def test_a_typed_name_may_stand_for_docker_s_or_a_local_one():
    assert reference.readings("upf") == ("upf", "upf:latest", "docker.io/library/upf:latest", "localhost/upf:latest")
    assert reference.readings("quay.io/a/b:1") == ("quay.io/a/b:1",)
    assert reference.readings("not a name") == ("not a name",)
    assert reference.readings("") == ()


def test_a_name_with_a_digest_gets_no_tag():
    assert f"docker.io/library/upf@{D}" in reference.readings(f"upf@{D}")
    assert reference.digest_of(f"upf@{D}") == reference.digest_of(D) == D
    assert reference.digest_of("upf@sha256:1") == ""


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="aA0._-/:@[]\n\x1b é" + D, max_size=90))
def test_no_text_breaks_the_grammar(text):
    """Whatever is typed, the answer is a name that prints back the same, or a ValueError."""
    try:
        made = reference.parse(text)
    except ValueError:
        return
    assert str(made) == text
    assert reference.parse(str(made)) == made
