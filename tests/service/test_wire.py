"""The frames between launcher and service: what is written is read, and nothing else is."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.service import wire

PATHS = st.binary(max_size=80).map(lambda one: os.fsdecode(one.replace(b"\0", b"")))
QUESTIONS = st.builds(
    lambda bundle, environ, **rest: wire.Question(bundle="/" + bundle, environ=environ, **rest),
    bundle=PATHS,
    environ=st.dictionaries(st.sampled_from(wire.CALLER), PATHS),
    entry=st.sampled_from(wire.ENTRIES),
    verb=st.sampled_from(("create", "run", "restore", "")),
    id=PATHS,
    root=PATHS,
    runtime=PATHS,
    state=st.binary(max_size=300),
)
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=900).map("hostfit: ".__add__)
ANSWERS = st.one_of(
    st.builds(wire.Answer, st.just(wire.START), runtime=st.sampled_from(("", "runc", "kata-qemu")),
              digest=st.text("0123456789abcdef", min_size=64, max_size=64), sandbox=st.sampled_from(("", "s-1.a"))),
    st.builds(wire.Answer, st.just(wire.DENY), line=LINES),
    st.sampled_from((wire.Answer(wire.WAIT), wire.Answer(wire.YOURSELF))),
)  # fmt: skip


def payload(frame):
    size = wire.length(frame[: wire.HEAD], wire.REQUEST_CAP)
    assert len(frame) == wire.HEAD + size
    return frame[wire.HEAD :]


def fields(one):
    return {name: getattr(one, name) for name in type(one).__slots__}


@given(QUESTIONS)
@settings(deadline=None)
def test_a_question_is_read_as_it_was_written(question):
    assert fields(wire.decode_question(payload(wire.encode_question(question)))) == fields(question)


@given(ANSWERS)
@settings(deadline=None)
def test_an_answer_is_read_as_it_was_written(answer):
    assert fields(wire.decode_answer(payload(wire.encode_answer(answer)))) == fields(answer)


@given(st.one_of(QUESTIONS.map(wire.encode_question), ANSWERS.map(wire.encode_answer)), st.data())
@settings(deadline=None)
def test_a_frame_that_was_cut_or_changed_raises_nothing_else(frame, data):
    whole = bytearray(payload(frame))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(whole), bytes(whole[:place]), frame):
        for decode in (wire.decode_question, wire.decode_answer):
            try:
                decode(damaged)
            except wire.WireError:
                continue


def question(**fields):
    return wire.Question(**{"entry": "runtime", "bundle": "/b", "verb": "create", "id": "c", **fields})


def rewritten(frame, old, new):
    """The payload of a frame with one field replaced."""
    whole = payload(frame)
    old, new = (len(one).to_bytes(4, "big") + one for one in (old, new))
    assert whole.count(old) == 1
    return whole.replace(old, new)


def test_another_version_is_told_from_this_one():
    frame = wire.encode_question(question())
    for old, new in ((wire.VERSION.encode(), b"99.0"), (wire.MARK, b"hostfit 2")):
        with pytest.raises(wire.WireError, match="must be"):
            wire.decode_question(rewritten(frame, old, new))
    # Later versions may go on as they like behind these two fields.
    with pytest.raises(wire.WireError, match="of version"):
        wire.decode_answer(rewritten(wire.encode_answer(wire.Answer("wait")), wire.VERSION.encode(), b"9") + b"\0\0\0")


@pytest.mark.parametrize(("old", "new"), [
    (b"runtime", b"check"), (b"/b", b"b"), (b"/b", b"/\0b"), (b"c", b"c\0"),
    (b"NAMESPACE=n", b"PATH=n"), (b"NAMESPACE=n", b"NAMESPACE"), (b"NAMESPACE=n", b"NAMESPACE=n\0NAMESPACE=n"),
])  # fmt: skip
def test_a_question_that_no_launcher_asks_is_refused(old, new):
    frame = wire.encode_question(question(environ={"NAMESPACE": "n"}))
    with pytest.raises(wire.WireError):
        wire.decode_question(rewritten(frame, old, new))


@pytest.mark.parametrize("answer", [
    wire.Answer("allow"), wire.Answer("start", runtime="runc"), wire.Answer("start", runtime="runc", digest="A" * 64),
    wire.Answer("start", runtime="runc", digest="a" * 64, line="hostfit: x"), wire.Answer("deny"),
    wire.Answer("deny", line="does not fit"), wire.Answer("deny", line="hostfit: two\nlines"),
    wire.Answer("deny", line="hostfit: caf\xe9"), wire.Answer("wait", runtime="runc"),
    wire.Answer("yourself", line="hostfit: x"), wire.Answer("wait", sandbox="s1"),
    wire.Answer("start", runtime="runc", digest="a" * 64, sandbox="../s1"),
])  # fmt: skip
def test_an_answer_that_says_too_little_or_too_much_is_refused(answer):
    with pytest.raises(wire.WireError, match="answer"):
        wire.decode_answer(payload(wire.encode_answer(answer)))


def test_what_is_over_a_cap_is_neither_written_nor_read():
    with pytest.raises(wire.WireError, match="at most"):
        wire.encode_question(question(state=b"x" * wire.REQUEST_CAP))
    with pytest.raises(wire.WireError, match="at most"):
        wire.decode_answer(b"x" * (wire.REPLY_CAP + 1))
    with pytest.raises(wire.WireError, match="at most"):
        wire.length((wire.REPLY_CAP + 1).to_bytes(4, "big"), wire.REPLY_CAP)
    with pytest.raises(wire.WireError, match="at most"):
        wire.length(b"\0\0", wire.REPLY_CAP)
