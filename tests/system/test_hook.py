"""hostfit-hook under Podman, with each OCI runtime: it stops the start, and the reason can be had in every case."""

from __future__ import annotations

import itertools
import json

import pytest
from hostfit_bed.product import HOOK, HOOKS_DIR
from hostfit_bed.ways import WRAPPERS

STARTED = "started in the container\n"
COUNT = itertools.count(1)


@pytest.fixture
def start(podman, images, host):
    """Start an image of the bed with the hook; gives what the user sees and the container's id."""

    def start(tag, runtime, *words, options=()):
        name = f"hf-hook-{next(COUNT)}"
        cid = podman.room.run_dir / f"{name}.cid"
        cid.unlink(missing_ok=True)
        done = podman.start(
            images.built[tag], *words, runtime=runtime, hooks=HOOKS_DIR,
            options=("--rm", "--name", name, "--cidfile", f"/run/{name}.cid", *options),
        )  # fmt: skip
        return done, cid.read_text()

    return start


def line(images, container):
    return (
        f"hostfit: {images.built['module'].name} does not fit this host: kernel.loadedmodule gtp5g: "
        f"required present, found absent (hostfit why {container[:12]})"
    )


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_image_that_fits_starts_as_without_the_hook(start, podman, images, runtime):
    without = podman.start(images.built["fits"], runtime=runtime, options=("--rm",))

    done, _ = start("fits", runtime)

    assert (without.code, without.out) == (7, STARTED)
    assert done == without


def test_runc_shows_the_reason(start, images):
    done, container = start("module", "runc")

    assert done.code == 126
    assert done.out == ""
    assert done.err == (
        "Error: OCI runtime error: runc: runc create failed: unable to start container process: error during "
        "container init: error running hook #0: error running hook: exit status 1, stdout: , "
        f"stderr: {line(images, container)}\n"
    )


def test_crun_loses_the_text_but_the_journal_and_why_have_it(start, images, host, journal):
    done, container = start("module", "crun")

    assert done.code == 126
    assert done.err == f"Error: OCI runtime error: crun: error executing hook `{HOOK}` (exit code: 1)\n"
    (entry,) = journal.of(container)
    assert entry["MESSAGE"].startswith(line(images, container))
    assert entry["HOSTFIT_VERDICT"] == "misfit"
    report = json.loads(host.hostfit("why", container, "--format", "json", check=True).out)
    assert (report["entry"], report["line"]) == ("hook", line(images, container))


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_refused_container_leaves_nothing_behind(start, podman, host, runtime):
    start("module", runtime)

    assert podman.names() == []
    assert podman.room.run([runtime, "list", "-q"], check=True).out == ""
    assert host.records() == []


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_hook_below_the_wrapper_decides_once(start, journal, runtime):
    done, container = start("newer", WRAPPERS[runtime])

    assert (done.code, done.out) == (7, STARTED)
    assert [entry["HOSTFIT_ENTRY"] for entry in journal.of(container)] == ["runtime"]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_hook_does_not_trust_a_record_of_another_container(start, host, runtime):
    """What the wrapper checked before does not speak for a container that came by the bare runtime."""
    start("fits", WRAPPERS[runtime])

    done, _ = start("module", runtime)

    assert done.code == 126
