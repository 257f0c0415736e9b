"""IS 5: the parts of a command line that matter are found in every form that runc and crun take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostfit.oci import argv


def parsed(line):
    call = argv.parse([word.encode() for word in line.split()])
    return {name: getattr(call, name) for name in call.__slots__ if getattr(call, name)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {}),
        ("--version", {}),
        ("-v", {}),
        ("features", {"verb": "features"}),
        ("create c", {"verb": "create", "id": "c"}),
        ("--root /r --log /l --log-format json create --bundle /b --pid-file /p c",
         {"verb": "create", "id": "c", "root": "/r", "log": "/l", "log_format": "json", "bundle": "/b"}),
        ("--root=/r --log=/l --log-format=json create --bundle=/b --pid-file=/p c",
         {"verb": "create", "id": "c", "root": "/r", "log": "/l", "log_format": "json", "bundle": "/b"}),
        ("-root /r create -bundle /b c", {"verb": "create", "id": "c", "root": "/r", "bundle": "/b"}),
        ("create -b /b c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("create -b=/b c", {"verb": "create", "id": "c", "bundle": "/b", "ambiguous": "-b=/b"}),
        ("create -b/b c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("run -db /b c", {"verb": "run", "id": "c", "bundle": "/b"}),
        ("create --bun /b c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("create --b /b c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("run --b=/b c", {"verb": "run", "id": "c", "bundle": "/b"}),
        ("restore --conf other.json c", {"verb": "restore", "id": "c", "config": "other.json"}),
        ("create --bundle /a --bundle /b c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("create c --bundle /b", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("create --bundle /b -- c", {"verb": "create", "id": "c", "bundle": "/b"}),
        ("create --bundle -- c", {"verb": "create", "id": "c", "bundle": "--"}),
        ("create -f other.json c", {"verb": "create", "id": "c", "config": "other.json"}),
        ("create --config other.json c", {"verb": "create", "id": "c", "config": "other.json"}),
        ("-b create create create", {"verb": "create", "id": "create"}),
        ("create -b create create", {"verb": "create", "id": "create", "bundle": "create"}),
        ("--root create create create", {"verb": "create", "id": "create", "root": "create"}),
        ("--root=x state create", {"verb": "state", "id": "create", "root": "x"}),
        ("state create", {"verb": "state", "id": "create"}),
        ("--debug --systemd-cgroup create c", {"verb": "create", "id": "c"}),
        ("--cgroup-manager disabled create c", {"verb": "create", "id": "c"}),
        ("--criu /usr/sbin/criu create c", {"verb": "create", "id": "c"}),
        ("--rootless true create c", {"verb": "create", "id": "c"}),
        ("--platform kvm --network=none create c", {"verb": "create", "id": "c"}),
        ("--future create c", {"verb": "create", "id": "c"}),
        ("-network none create c", {"verb": "create", "id": "c"}),
        ("-x y --network none create c", {"verb": "create", "id": "c"}),
        ("kill --all c 9", {"verb": "kill", "id": "c"}),
        ("kill -a c SIGTERM", {"verb": "kill", "id": "c"}),
        ("delete -f c", {"verb": "delete", "id": "c"}),
        ("delete --force c", {"verb": "delete", "id": "c"}),
        ("exec --process /p --detach --pid-file /q c", {"verb": "exec", "id": "c"}),
        ("exec -t -e A=b -u 0 --cwd /x c sh -c create", {"verb": "exec", "id": "c"}),
        ("exec -td c sh", {"verb": "exec", "id": "c"}),
        ("update --resources=- c", {"verb": "update", "id": "c"}),
        ("update -r /f c", {"verb": "update", "id": "c"}),
        ("update --memory 5 --pids-limit 3 c", {"verb": "update", "id": "c"}),
        ("ps --format json c", {"verb": "ps", "id": "c"}),
        ("events --stats c", {"verb": "events", "id": "c"}),
        ("events --interval 5s c", {"verb": "events", "id": "c"}),
        ("checkpoint --image-path i --work-path w --leave-running c", {"verb": "checkpoint", "id": "c"}),
        ("restore --image-path i --work-path w --detach --pid-file p -no-subreaper --bundle /b c",
         {"verb": "restore", "id": "c", "bundle": "/b"}),
        ("restore --console-socket s --manage-cgroups-mode soft --bundle /b c",
         {"verb": "restore", "id": "c", "bundle": "/b"}),
        ("create --no-pivot --no-new-keyring --preserve-fds 3 --console-socket s --pidfd-socket t c",
         {"verb": "create", "id": "c"}),
        ("create --bundle", {"verb": "create"}),
        ("--root", {}),
        ("create --help", {"verb": "create"}),
        ("-- create c", {"verb": "create", "id": "c"}),
        ("create -", {"verb": "create", "id": "-"}),
    ],
)  # fmt: skip
def test_a_call_is_read_as_the_runtimes_read_it(line, expected):
    assert parsed(line) == expected


def test_words_that_are_no_text_come_back_as_the_same_bytes():
    import os

    call = argv.parse([b"--root", b"/\xff\xfe", b"create", b"--bundle=\xc3(", b"\x80"])

    assert [os.fsencode(one) for one in (call.root, call.bundle, call.id)] == [b"/\xff\xfe", b"\xc3(", b"\x80"]


WORDS = st.sampled_from(
    [
        b"--root",
        b"--root=/r",
        b"--log",
        b"--debug",
        b"--systemd-cgroup",
        b"--log-format=json",
        b"-v",
        b"--unknown=x",
        b"--",
    ]
) | st.binary(max_size=6)


@settings(deadline=None, max_examples=400)
@given(st.lists(WORDS, max_size=8))
def test_no_words_make_the_parser_raise(words):
    argv.parse(words)


VALUES = st.sampled_from([b"create", b"state", b"-b", b"--", b"", b"x", b"--bundle"])
GLOBALS = st.lists(
    st.tuples(st.sampled_from([b"--root", b"--log", b"--log-format", b"--criu"]), VALUES).map(list)
    | st.sampled_from([[b"--debug"], [b"--systemd-cgroup"], [b"--root=create"], [b"--log=state"]]),
    max_size=4,
).map(lambda groups: [word for group in groups for word in group])
FLAGS = st.lists(
    st.tuples(st.sampled_from([b"--pid-file", b"--console-socket", b"-b", b"--bundle"]), VALUES).map(list)
    | st.sampled_from([[b"--no-pivot"], [b"--no-new-keyring"], [b"--bundle=create"]]),
    max_size=4,
).map(lambda groups: [word for group in groups for word in group])


@settings(deadline=None, max_examples=400)
@given(GLOBALS, st.sampled_from(argv.GATED), FLAGS, st.sampled_from(["c1", "create", "state", "delete"]))
def test_no_value_of_a_known_flag_hides_a_start_or_its_container(before, verb, between, name):
    call = argv.parse([*before, verb.encode(), *between, name.encode()])

    assert (call.verb, call.id) == (verb, name)
