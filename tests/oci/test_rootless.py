"""Whose state this is: root's, or a user's who is told by the kernel and by who owns a directory."""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from pathlib import Path

import pytest

from hostfit.core.errors import PolicyError
from hostfit.core.paths import Paths
from hostfit.oci import rootless
from hostfit.oci.files import hidden, is_host_root, read_trusted

NEWUSER = 0x10000000
"""CLONE_NEWUSER, for which Python 3.11 has no name."""
UID = 54321


@pytest.fixture
def directory():
    """A directory that every user can reach, as pytest's own cannot."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_user(act, *, namespace=False):
    """What `act` gives in a process of user UID, on request as the root of a user namespace of that user's own."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = ["the child failed"]
        try:
            os.setgroups([])
            os.setresgid(UID, UID, UID)
            os.setresuid(UID, UID, UID)
            if namespace:
                # Only a process that may be dumped owns its own files in /proc.
                ctypes.CDLL(None).prctl(4, 1)
                if ctypes.CDLL(None).unshare(NEWUSER) != 0:
                    answer = ["no namespace"]
                else:
                    Path("/proc/self/uid_map").write_text(f"0 {UID} 1\n")
                    answer = [act()]
            else:
                answer = [act()]
        except Exception as error:  # noqa: BLE001 - the parent has to know
            answer = [repr(error)]
        finally:
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = json.loads(pipe.read())[0]
    os.waitpid(child, 0)
    if answer == "no namespace":
        pytest.skip("this kernel lets users make no namespaces")
    return answer


def owned(path, mode=0o700):
    path.mkdir(mode=mode)
    path.chmod(mode)
    os.chown(path, UID, UID)
    return path


def run_of(runtime_dir, run="/proc/hostfit"):
    """The run directory for whoever calls; nobody can write where `run` lies."""
    return rootless.places(Paths("/etc/hostfit", run, "/var/lib/hostfit"), str(runtime_dir)).run


@pytest.mark.parametrize("namespace", [False, True], ids=["user", "namespace"])
def test_a_users_state_lies_in_the_users_runtime_directory(directory, namespace):
    own = owned(directory / "own")

    assert as_user(lambda: run_of(own), namespace=namespace) == f"{own}/hostfit"


@pytest.mark.parametrize("namespace", [False, True], ids=["user", "namespace"])
def test_a_directory_that_others_own_or_write_is_not_the_users(directory, namespace):
    (directory / "roots").mkdir()
    shared = owned(directory / "shared", 0o770)
    link = directory / "link"
    link.symlink_to(owned(directory / "own"))
    for place in (directory / "roots", shared, link, directory / "absent", "relative", ""):
        assert as_user(lambda: run_of(place), namespace=namespace) == "/proc/hostfit"  # noqa: B023 - called at once


def test_who_can_write_the_systems_place_has_it(directory):
    """The root of a container has a /run of its own, whatever the host calls that user."""
    own, run = owned(directory / "own"), owned(directory / "run")

    assert as_user(lambda: run_of(own, f"{run}/hostfit"), namespace=True) == f"{run}/hostfit"


def test_root_of_the_host_never_takes_a_users_directory(directory):
    if not is_host_root():
        pytest.skip("needs root of the host")
    own = owned(directory / "own")

    assert run_of(own) == "/proc/hostfit"
    assert not hidden(PermissionError(13, "EACCES"))


@pytest.mark.parametrize("namespace", [False, True], ids=["user", "namespace"])
def test_a_user_is_the_user_of_the_host_in_any_namespace(namespace):
    """Podman without XDG_RUNTIME_DIR takes /run/user/UID, with the host's UID."""
    assert as_user(rootless.host_uid, namespace=namespace) == UID
    assert as_user(is_host_root, namespace=namespace) is False
    assert as_user(lambda: hidden(PermissionError(13, "EACCES")), namespace=namespace) is True


def trusted(path):
    try:
        return bool(read_trusted(path, 1 << 20))
    except PolicyError:
        return False


@pytest.mark.parametrize("owner", [65534, UID])
def test_file_of_nobody_is_not_taken_for_root_s(directory, owner):
    file = directory / "f"
    file.write_text("x")
    assert as_user(lambda: trusted(str(file)))
    os.chown(file, owner, owner)

    assert not as_user(lambda: trusted(str(file)))


def test_file_of_root_is_trusted_where_a_namespace_shows_it_as_nobody_s(directory):
    (directory / "f").write_text("x")

    assert as_user(lambda: (os.stat("/etc/passwd").st_uid, trusted("/etc/passwd")), namespace=True) == [65534, True]
    # The way there leads over /tmp, which others may write, and nobody's sticky bit vouches for nothing.
    assert not as_user(lambda: trusted(str(directory / "f")), namespace=True)
