"""IS launcher: its readers agree with Python's on all that they take, and survive everything else."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hostfit.core import limits
from hostfit.oci import argv
from hostfit.policy import compiled, model
from hostfit.runtime import record
from hostfit.service import wire

from .conftest import ROOT
from .test_alone import CALLS

VERBS = sorted({*argv.GATED, "state", "kill", "exec", "delete", "update", "list", "ps", "spec", "x", "create"})
LONG = sorted({*argv._GLOBAL_VALUES, *argv._GLOBAL_FLAGS, *argv._VALUES, *argv._FLAGS, *argv._START_VALUES})
TEXT = st.sampled_from([b"", b"c1", b"create", b"config.json", b"/b", b"-", b"--", b"a=b", b"\xff", b"json", b"9"])
FLAG = st.builds(
    lambda dashes, name, cut, value: dashes + name[:cut].encode() + value,
    st.sampled_from([b"-", b"--", b"---"]), st.sampled_from(LONG),
    st.sampled_from([None, None, None, None, 1, 2, 3, 5, 9]), st.sampled_from([b"", b"", b"", b"=", b"=v", b"==v"]),
)  # fmt: skip
SHORT = st.builds(lambda letters, value: b"-" + letters.encode() + value,
                  st.text("bfdpcerugahqt?", min_size=1, max_size=3), st.sampled_from([b"", b"=v", b"/x"]))  # fmt: skip
WORD = st.one_of(TEXT, FLAG, SHORT, st.sampled_from(VERBS).map(str.encode), st.binary(max_size=6))
ARGV = st.builds(
    lambda first, verb, rest: [one.replace(b"\0", b"") for one in (*first, *verb, *rest)],
    st.lists(st.one_of(FLAG, TEXT, WORD), max_size=4),
    st.lists(st.sampled_from(VERBS).map(str.encode), max_size=1),
    st.lists(WORD, max_size=7),
)


def joined(words):
    return b"".join([one + b"\0" for one in words])


@given(ARGV)
@settings(max_examples=1500, deadline=None)
@example([b"create", b"--bundle"])
@example([b"--root"])
@example([b"run", b"-b", b"--", b"c1"])
def test_arguments_that_the_launcher_takes_mean_the_same_to_python(parts, words):
    found = parts.ask("a", joined(words))
    if found is None:
        return
    call = argv.parse(words)

    assert found == [
        os.fsencode(one) for one in (call.verb, call.id, call.root, call.bundle, call.log, call.log_format)
    ]
    assert call.ambiguous == ""
    if call.verb in argv.GATED:
        assert call.config in ("", "config.json")


@pytest.mark.parametrize("name", CALLS)
def test_the_arguments_of_engines_are_taken(name, parts):
    assert parts.ask("a", joined(CALLS[name])) is not None


PATHS = st.one_of(
    st.text("ab./ \\\u00e9", max_size=12),
    st.lists(st.sampled_from(["a", "b.c", "..", ".", "", "x" * 300, "..a"]), max_size=5).map("/".join).map("/".__add__),
).map(lambda one: os.fsencode(one.replace("\0", "")))  # fmt: skip


@given(PATHS)
@example(b"/" + b"x" * 5000)
@example(b"/run/containerd/runc/k8s.io")
@settings(deadline=None)
def test_a_path_that_is_taken_for_plain_is_what_python_makes_of_it(parts, path):
    if parts.ask("p", path) is None:
        return
    call = argv.Call()
    call.root = call.bundle = os.fsdecode(path)

    assert record.absolute_root(call) == record.absolute_bundle(call) == call.root
    assert record._shown(call.root) == call.root


def test_the_paths_of_engines_are_plain(parts):
    for path in (
        "/run/containerd/io.containerd.runtime.v2.task/k8s.io/0a1b",
        "/run/user/0/crun",
        "/v",
        "/a/.b/c-d_e+f",
    ):
        assert parts.ask("p", path.encode()) == []


@given(st.binary(max_size=400))
@example(b"")
@example(b"x" * 55)
@example(b"x" * 56)
@example(b"x" * 64)
@example(b"x" * 100_000)
@settings(deadline=None)
def test_the_digest_is_sha256(parts, data):
    assert parts.ask("h", data) == [hashlib.sha256(data).hexdigest().encode()]


RECORDS = st.builds(
    lambda runtime, bundle, pid, start, config, place, junk: (
        f"runtime=/{runtime}\nbundle={bundle}\npid={pid}\nstart={start}\nconfig={config}\n", place, junk
    ),
    st.text("ab/=.", max_size=9), st.text("/b=", max_size=9), st.integers(-2, 1 << 33), st.integers(-2, 1 << 66),
    st.sampled_from(["", "a" * 64, "a" * 65]), st.integers(0, 60),
    st.sampled_from(["", "", "", "\n", "x", "=", "\0", "pid=1\n"]),
)  # fmt: skip


@given(RECORDS)
@settings(deadline=None)
def test_a_record_that_is_taken_is_read_as_python_reads_it(parts, tmp_path_factory, given):
    text, place, junk = given
    data = (text[:place] + junk + text[place:]).encode()
    found = parts.ask("r", data)
    if not junk and "=-" not in text and "a" * 65 not in text and len(text.split("start=")[1].split("\n")[0]) < 19:
        pid = int(text.split("pid=")[1].split("\n")[0])
        assert (found is not None) == (pid < 1 << 31)
    if found is None:
        return
    file = tmp_path_factory.getbasetemp() / "record"
    file.write_bytes(data)
    one = record._load(str(file))

    assert one is not None
    assert [one.runtime, one.bundle, f"{one.pid} {one.start}", one.config] == [each.decode() for each in found]


ANSWERS = st.builds(
    wire.Answer, st.sampled_from((*wire.ACTIONS, "", "starts")),
    runtime=st.sampled_from(["", "", "runc", "\x7f", "r" * 255, "r" * 256]),
    digest=st.sampled_from(["", "0af" + "1" * 61, "0af" + "1" * 61, "A" * 64, "1" * 63]),
    line=st.sampled_from(["", "", "hostfit: no", "no", "hostfit: a\nb", *("hostfit: " + "x" * n for n in (991, 992))]),
    sandbox=st.one_of(st.just(""), st.text("aZ9_.+-/ ~\x7f\xe9", max_size=4), st.sampled_from(["s" * 255, "s" * 256])),
)  # fmt: skip


def test_both_sides_have_the_same_times_and_caps():
    text = "".join([(ROOT / "src/launcher" / one).read_text() for one in ("launcher.h", "service.c")])
    found = re.findall(r"^#define ([A-Z]+(?:_CAP)?) \(?(\d+)(?: << (\d+))?\)?(?: |$)", text, re.MULTILINE)
    numbers = {name: int(number) << int(shift or 0) for name, number, shift in found}

    assert numbers["DEADLINE"] == 1000 * wire.DEADLINE
    assert numbers["PATIENCE"] == 1000 * wire.PATIENCE
    assert numbers["FRAME_CAP"] == wire.REPLY_CAP
    assert numbers["STATE_CAP"] + numbers["FIELDS"] == wire.REQUEST_CAP
    assert (numbers["CONFIG_CAP"], numbers["STATE_CAP"]) == (limits.CONFIG_JSON, limits.STATE_JSON)


def started(sandbox):
    return wire.Answer(wire.START, runtime="runc", digest="a" * 64, sandbox=sandbox)


@given(ANSWERS, st.integers(0, 500), st.integers(0, 255), st.sampled_from(["whole", "whole", "cut", "changed", "more"]))
@settings(deadline=None)
@example(started("../s1"), 0, 0, "whole")
@example(started(".s1"), 0, 0, "whole")
@example(started("s-1_.+A"), 0, 0, "whole")
@example(started("s" * 255), 0, 0, "whole")
@example(started("s" * 256), 0, 0, "whole")
def test_an_answer_is_taken_exactly_where_python_takes_it(parts, answer, place, byte, damage):
    payload = bytearray(wire.encode_answer(answer)[wire.HEAD :])
    if damage == "cut":
        payload = payload[:place]
    elif damage == "changed":
        payload[place % len(payload)] = byte
    elif damage == "more":
        payload.append(byte)
    try:
        one = wire.decode_answer(bytes(payload))
        expected = [text.encode() for text in (one.action, one.runtime, one.digest, one.line, one.sandbox)]
    except wire.WireError:
        expected = None

    assert parts.ask("w", bytes(payload)) == expected


@given(st.dictionaries(st.sampled_from(["id", "bundle", "pid", "annotations"]), st.one_of(
    st.sampled_from(["/b", "/run/b", "b", "", '/a"b', "/a\\b", "/a/../b", "\u00e9"]), st.integers(),
    st.dictionaries(st.sampled_from(["bundle", '"bundle":"/x"', "a"]), st.sampled_from(["/c", '"bundle":"/x"'])),
)), st.booleans(), st.integers(0, 90))  # fmt: skip
@settings(deadline=None)
def test_the_bundle_that_is_found_in_a_state_is_the_one_that_python_reads(parts, tree, spaced, cut):
    data = json.dumps(tree, separators=(", ", ": ") if spaced else (",", ":")).encode()
    found = parts.ask("s", data)
    if found is not None and "bundle" in tree:
        assert found == [str(tree["bundle"]).encode()]
    parts.ask("s", data[:cut])


def table(policy):
    return compiled._table(policy, []).decode()


def defined(name, isolation, *, grants, binaries):
    return model.RuntimeDefinition(name, isolation=isolation, grants=grants, binaries=binaries)


@given(
    st.dictionaries(st.sampled_from(["one", "two", "three"]), st.tuples(st.integers(0, 1000), st.booleans(), st.lists(
        st.sampled_from(["/nonexistent", "/usr/bin/true", "/etc/passwd", "/bin/sh"]), max_size=3))),
    st.sampled_from(["", "one", "two", "x"]), st.sampled_from(["", "one", "two", "three"]),
)  # fmt: skip
@settings(deadline=None)
def test_the_table_gives_a_runtime_at_or_above_the_floor_that_python_could_execute(parts, runtimes, entry, chosen):
    definitions = {
        name: defined(name, isolation, grants=grants, binaries=tuple(binaries))
        for name, (isolation, grants, binaries) in runtimes.items()
    }
    text = table(model.Policy(defaults=("one",), runtimes=definitions))
    found = parts.ask("t", entry.encode() + b"\0" + chosen.encode() + b"\0" + text.encode())
    first = entry or "one"
    taken = chosen or first
    floor, one = definitions.get(first), definitions.get(taken)
    usable = [path for path in (one.binaries if one else ()) if path in ("/usr/bin/true", "/bin/sh")]
    good = floor and one and usable and one.isolation >= floor.isolation and (not one.grants or taken == first)

    assert found == ([usable[0].encode()] if good else None)


def seeds():
    """Frames for every part: what engines, records, tables, states and the service look like."""
    policy = model.Policy(
        defaults=("runc",), runtimes={"runc": defined("runc", 1, grants=False, binaries=("/bin/sh",))}
    )
    stamps = [compiled.stamp("/etc/passwd"), ["/nonexistent/hostfit.toml"]]
    yield from (("a", joined(words)) for words in CALLS.values())
    yield "a", joined([b"--log-format=json", b"create", b"-b", b"/b", b"--config", b"config.json", b"c1"])
    yield "r", b"runtime=/usr/bin/runc\nbundle=/b\npid=12\nstart=34\nconfig=" + b"a" * 64 + b"\n"
    yield "s", b'{"ociVersion":"1.0.2","id":"c1","bundle":"/run/b","annotations":{"a":"b"}}'
    yield "t", b"\0runc\0" + compiled._table(policy, stamps)
    yield "p", b"/run/containerd/x"
    yield "h", b"x" * 130
    for answer in (wire.Answer("start", runtime="runc", digest="a" * 64), wire.Answer("deny", line="hostfit: no")):
        yield "w", wire.encode_answer(answer)[wire.HEAD :]


def test_no_mutation_of_what_others_wrote_makes_a_part_misbehave(parts_binary):
    frames = b"".join([part.encode() + len(data).to_bytes(4, "big") + data for part, data in seeds()])
    count = os.environ.get("HOSTFIT_FUZZ", "2000")
    done = subprocess.run([parts_binary, count], input=frames, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_sanitizers_are_on(parts_binary):
    """Else none of these tests could fail by a read beyond an end."""
    symbols = subprocess.run(["nm", parts_binary], capture_output=True, text=True, check=True).stdout
    assert "__asan_report_load" in symbols
    assert "__ubsan_handle" in symbols


def test_cppcheck_finds_nothing(tmp_path):
    if shutil.which("cppcheck") is None:
        pytest.skip("no cppcheck: install cppcheck")
    command = [
        "cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--inline-suppr", '-DVERSION="0"',
        "--enable=warning,performance,portability", str(ROOT / "src/launcher"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_bad_states_are_pythons_to_refuse(parts):
    for data in (b"", b"{}", b'{"bundle":', b'{"bundle":"', b'{"bundle":"/a","x":{"bundle":"/b"}}', b'{"bundle":"b"}'):
        assert parts.ask("s", data) is None
