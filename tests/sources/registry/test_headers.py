"""WWW-Authenticate and Link, as servers write them and as they should not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostfit.sources.registry.headers import challenges, next_page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Basic realm="x"', [("basic", {"realm": "x"})]),
        ("Basic", [("basic", {})]),
        (
            'Bearer realm="https://a/token",service="s",scope="repository:a/b:pull,push"',
            [("bearer", {"realm": "https://a/token", "service": "s", "scope": "repository:a/b:pull,push"})],
        ),
        ('bearer Realm = "a" , error=invalid_token', [("bearer", {"realm": "a", "error": "invalid_token"})]),
        (
            'Basic realm="a, b", Bearer realm="c",service=d',
            [("basic", {"realm": "a, b"}), ("bearer", {"realm": "c", "service": "d"})],
        ),
        ('Bearer realm="a\\"b\\\\c"', [("bearer", {"realm": 'a"b\\c'})]),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ("Negotiate, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
        ('realm="x"', []),
        ("", []),
        ("\x00", []),
    ],
)
def test_challenges_are_read(text, expected):
    assert [(one.scheme, one.parameters) for one in challenges(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('</v2/x?last=a>; rel="next"', "/v2/x?last=a"),
        ("</v2/x>; rel=next", "/v2/x"),
        ('</a>; rel="prev", </b>; title="x"; rel="last next"', "/b"),
        ('</a>; rel="prev"', ""),
        ("</a>", ""),
        ("", ""),
        ("/a; rel=next", ""),
    ],
)
def test_next_page_is_found(text, expected):
    assert next_page(text) == expected


@given(st.text(alphabet=st.sampled_from('Bearer realm="x,y\\<>;= \t\x00é/next'), max_size=60))
def test_no_header_does_harm(text):
    for one in challenges(text):
        assert one.scheme == one.scheme.lower() != ""
    assert isinstance(next_page(text), str)


def test_long_header_takes_no_time_that_grows_faster_than_it():
    """The time would be minutes, or centuries; a limit needs no measure."""
    challenges('a="' + "\\" * 1_000_000)
    challenges("a," * 500_000)
    next_page("<" * 1_000_000)
    next_page("</a>;" + " " * 1_000_000)
    next_page("</a>" + ";" * 1000 + "<")
