"""R9 and IS 1: strict JSON, which agrees with the json package on everything that both accept."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.core import fastjson, limits

SOURCE = str(Path(__file__).resolve().parents[2] / "src")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text('ab\u00e9\n"\\', max_size=3), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def read(data):
    return fastjson.loads(data, what="DOCUMENT")


@settings(deadline=None, max_examples=200)
@given(PLAIN, st.booleans(), st.sampled_from([None, 1]))
def test_what_json_writes_is_read_alike(value, ascii_only, indent):
    data = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()

    assert read(data) == json.loads(data)


@settings(deadline=None, max_examples=200)
@given(PLAIN)
def test_what_is_written_is_what_json_writes(value):
    text = fastjson.dumps(value)

    assert text == json.dumps(value, separators=(",", ":"))
    assert read(text.encode()) == value


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=40) | st.text('[]{}",:0123eE+-.\\ntruefalsu \t\n', max_size=40).map(str.encode))
def test_no_bytes_are_accepted_that_json_refuses_and_nothing_but_value_error_is_raised(data):
    try:
        value, message = read(data), ""
    except ValueError as error:
        value, message = None, str(error)
    if message:
        assert message.startswith("DOCUMENT: ")
        assert "\n" not in message
    else:
        assert value == json.loads(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not valid JSON: expecting value at line 1 column 1"),
        (b"{", "not valid JSON: "),
        (b"[1,]", "not valid JSON: "),
        (b"{'a':1}", "not valid JSON: "),
        (b"[1] x", "not valid JSON: extra data at line 1 column 5"),
        (b'"a\nb"', "not valid JSON: invalid control character"),
        (b'"\\x41"', "not valid JSON: "),
        (b"\xef\xbb\xbf1", "not valid JSON: "),
        (b"\xff", "not valid UTF-8 at byte 0"),
        (b'{"a":{"k":1,"k":2}}', 'key "k" is there twice'),
        (b'{"\\u001b[31m":1,"\\u001b[31m":2}', 'key "\\x1b[31m" is there twice'),
        (b"NaN", "NaN is no JSON number"),
        (b"[-Infinity]", "-Infinity is no JSON number"),
        (b"1e999", 'number "1e999" is out of range'),
        (b"9" * 5000, "a number has too many digits"),
        (b'["\\ud800"]', "lone surrogate"),
        (b'{"\\udfff":1}', "lone surrogate"),
        (b"[" * 33 + b"]" * 33, "must have at most 32 levels"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "must have at most 32 levels"),
        (b"[" * 500_000, "must have at most 32 levels"),
        (b'{"a":' * 100_000, "must have at most 32 levels"),
        (b" " * (limits.DOCUMENT + 1), f"must be at most {limits.DOCUMENT} bytes"),
    ],
)
def test_a_document_that_is_not_strict_is_refused_with_the_reason(data, reason):
    with pytest.raises(ValueError, match="DOCUMENT: ") as caught:
        read(data)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b" \t\r\n[1] \n", [1]),
        (b"[" * 32 + b"]" * 32, None),
        (b'["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]', ["[" * 40]),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"\u00e9\U0001f600"'.encode(), "\u00e9\U0001f600"),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
        (b"-0.0", -0.0),
        (b"12345678901234567890", 12345678901234567890),
    ],
)
def test_what_is_valid_is_accepted(data, value):
    found = read(data)

    assert value is None or found == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_written_that_cannot_be_read(value):
    with pytest.raises(ValueError, match="range"):
        fastjson.dumps([value])


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object()])
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(TypeError):
        fastjson.dumps({"a": value})


def test_subclasses_are_written_as_what_they_are():
    class Text(str):
        __slots__ = ()

    class Number(int):
        pass

    assert fastjson.dumps({"a": (Text("x"), Number(3))}) == '{"a":["x",3]}'


@pytest.mark.parametrize("data", ['{"a": [1, 2.5]}', "[1,]", "NaN", '{"a":1,"a":2}', "[" * 2000])
def test_without_the_c_module_and_without_the_package_loaded_the_answers_are_the_same(data):
    """The scanner is CPython's own affair and raises SystemError on 3.11 where json.decoder is not imported."""
    program = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "if sys.argv[2] == 'without': sys.modules['_json'] = None\n"
        "from hostfit.core import fastjson\n"
        "try: print(fastjson.loads(sys.argv[3].encode(), what='D'))\n"
        "except ValueError as error: print(error)\n"
    )
    answers = [
        subprocess.run(
            ["/usr/bin/python3", "-IS", "-c", program, SOURCE, how, data], capture_output=True, text=True, check=True
        ).stdout
        for how in ("with", "without")
    ]

    assert answers[0] == answers[1]
    assert answers[0].strip()


def test_the_json_package_is_not_imported_for_what_is_valid():
    program = (
        "import sys; sys.path.append(sys.argv[1])\n"
        "from hostfit.core import fastjson\n"
        "fastjson.loads(fastjson.dumps({'a': [1, 'b']}).encode(), what='D'); print('json' in sys.modules)\n"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", program, SOURCE], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
