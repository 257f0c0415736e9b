"""Header compression against the examples of RFC 7541, and against bytes that no server should send."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostfit.sources import hpack


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
        ("a8eb10649cbf", "no-cache"),
        ("25a849e95ba97d7f", "custom-key"),
        ("25a849e95bb8e8b4bf", "custom-value"),
        ("d07abe941054d444a8200595040b8166e082a62d1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("9d29ad171863c78f0b97c8e9ae82ae43d3", "https://www.example.com"),
        ("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
         "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ],
)  # fmt: skip
def test_huffman_examples_of_appendix_c(packed, text):
    assert hpack.huffman(bytes.fromhex(packed)).decode() == text


def test_every_octet_has_a_code_and_no_two_share_one():
    hpack.huffman(b"")

    assert sorted(hpack._codes.values()) == list(range(256))


def test_first_request_of_appendix_c_4_without_its_dynamic_entry():
    block = bytes.fromhex("828684") + b"\x01\x8c" + bytes.fromhex("f1e3c2e5f23a6ba0ab90f4ff")

    assert hpack.decode(block) == {":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com"}


def test_literals_of_all_kinds_and_a_table_size_of_zero():
    plain = b"\x03abc\x01x"

    assert hpack.decode(b"\x20" + b"\x40" + plain) == {"abc": "x"}
    assert hpack.decode(b"\x10" + plain) == {"abc": "x"}
    assert hpack.decode(b"\x88\x0f\x10\x01y") == {":status": "200", "content-type": "y"}


@pytest.mark.parametrize(
    "block",
    [b"\x80", b"\xbe", b"\xff\xff\xff\xff\xff\xff\xff\xff", b"\x00", b"\x00\x03ab", b"\x00\x01a\x83\xff\xff\xff",
     b"\x00\x81\x00\x00", b"\x7f", b"\x00\x7f\xff\xff\xff\xff\xff\xff", b"\x00\x01a\x7f\x80"],
)  # fmt: skip
def test_bad_blocks_are_errors(block):
    with pytest.raises(ValueError, match="header"):
        hpack.decode(block)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(block):
    """Security test plan T1"""
    try:
        hpack.decode(block)
    except ValueError:
        return


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.text("abc-", min_size=1, max_size=20), st.text(st.characters(max_codepoint=255), max_size=300))
    )
)
def test_what_is_written_reads_back(headers):
    assert hpack.decode(hpack.encode(tuple(headers))) == dict(headers)
