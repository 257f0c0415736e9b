"""The protobuf codec: round trips, defaults, and damaged messages."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hostfit.sources.protobuf import Message, encode


def test_the_example_of_the_specification():
    """protobuf.dev, Encoding: field 1 = 150, field 2 = "testing"."""
    assert encode((1, 150), (2, "testing")) == bytes.fromhex("089601120774657374696e67")

    read = Message(bytes.fromhex("089601120774657374696e67"))
    assert (read.integer(1), read.text(2)) == (150, "testing")


def test_absent_fields_read_as_their_default():
    empty = Message(b"")

    assert (empty.integer(1), empty.text(1), empty.bytes(1), empty.messages(1), empty.mapping(1)) == (
        0,
        "",
        b"",
        [],
        {},
    )
    assert encode((1, ""), (2, 0), (3, b"")) == b""


def test_maps_and_repeated_messages():
    entry = encode((1, "k"), (2, "v"))

    assert Message(encode((4, entry), (4, encode((1, "l"))))).mapping(4) == {"k": "v", "l": ""}
    assert [one.text(1) for one in Message(encode((2, encode((1, "a"))), (2, encode((1, "b"))))).messages(2)] == [
        "a",
        "b",
    ]


def test_fixed_width_fields_are_stepped_over():
    assert Message(b"\x09" + b"x" * 8 + b"\x15" + b"y" * 4 + encode((3, 5))).integer(3) == 5


@pytest.mark.parametrize(
    "data", [b"\x0a\x05abc", b"\x08", b"\x08\xff", b"\x0b", b"\x09abc", b"\xff" * 12, b"\x0a\xff\xff\xff\xff\xff\x7f"]
)
def test_damaged_messages_are_errors(data):
    with pytest.raises(ValueError, match="message"):
        Message(data)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_decoder(data):
    try:
        read = Message(data)
        read.messages(1)
        read.mapping(2)
        read.text(3)
    except ValueError:
        return


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 500), st.one_of(st.integers(1, 2**63 - 1), st.binary(min_size=1)))))
def test_what_is_written_reads_back(fields):
    read = Message(encode(*fields))
    last = dict(fields)

    for number, value in last.items():
        if isinstance(value, int):
            assert read.integer(number) == value
        else:
            assert read.bytes(number) == value
