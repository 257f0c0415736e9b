"""DE5, R3: which file of a runtime an entry point would execute, or what is wrong with each."""

from __future__ import annotations

import pytest

from hostfit.gate import candidates
from hostfit.gate.candidates import candidate
from hostfit.policy.model import RuntimeDefinition


@pytest.fixture
def program(site, monkeypatch):
    """Makes programs, and takes one of them for containerd's own shim."""

    def make(name, mode=0o755):
        file = site.write(f"bin/{name}", "")
        file.chmod(mode)
        return str(file)

    monkeypatch.setattr(candidates, "HOST_SHIMS", (make("shim-runc"),))
    return make


@pytest.mark.parametrize("entry", ["runtime", "check", ""])
def test_oci_runtime_is_its_first_safe_binary(program, entry):
    open_to_all, safe = program("a", 0o777), program("b")
    found = candidate(RuntimeDefinition("x", binaries=("/gone", open_to_all, safe), shims=("/s",)), entry)

    assert (found.path, found.reason) == (safe, "")


@pytest.mark.parametrize(
    ("entry", "found"), [("runtime", ("", "a containerd shim cannot serve as an OCI runtime")), ("check", ("SHIM", ""))]
)
def test_runtime_that_is_a_shim_alone_serves_no_wrapper(program, entry, found):
    shim = program("shim-kata")
    one = candidate(RuntimeDefinition("kata", shims=(shim,), kernel="own"), entry)

    assert (one.path.replace(shim, "SHIM"), one.reason) == found


def test_shim_entry_executes_containerds_shim_for_an_oci_runtime_on_the_hosts_kernel(program):
    found = candidate(RuntimeDefinition("x", binaries=(program("x"),)), "shim")

    assert found.path == candidates.HOST_SHIMS[0]


def test_shim_entry_executes_the_runtimes_own_shim_first(program):
    shim = program("shim-x")

    assert candidate(RuntimeDefinition("x", binaries=(program("x"),), shims=(shim,)), "shim").path == shim


def test_shim_entry_never_executes_containerds_shim_for_a_kernel_of_its_own(program):
    """containerd's shim would lose sight of such a pod."""
    definition = RuntimeDefinition("x", binaries=(program("x"),), shims=candidates.HOST_SHIMS, kernel="own")

    assert candidate(definition, "shim").reason == "no containerd shim of its own"


def test_what_is_wrong_is_said_of_files_that_are_there(program):
    bad, dull = program("bad", 0o777), program("dull", 0o644)
    found = candidate(RuntimeDefinition("x", binaries=("/gone", bad, dull)))

    assert found.path == ""
    assert found.reason == (
        f"{bad}: must not be writable by group or others, found mode 0777; {dull}: required executable"
    )


@pytest.mark.parametrize(("shipped", "reason"), [(True, "not installed"), (False, "/gone: ENOENT; /lost: ENOENT")])
def test_files_that_are_nowhere_are_named_where_the_administrator_named_them(program, shipped, reason):
    assert candidate(RuntimeDefinition("x", binaries=("/gone", "/lost"), shipped=shipped)).reason == reason
