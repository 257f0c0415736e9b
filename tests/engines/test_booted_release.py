"""hostfit on whole Debian releases: their own Podman, containerd, runc and crun, and a real journal."""

from __future__ import annotations

import itertools
import json

import pytest

pytestmark = pytest.mark.engines

STARTED = "started in the container\n"
WRAPPERS = {"runc": "/usr/bin/hostfit-runtime", "crun": "/usr/bin/hostfit-runtime-crun"}
HOOKS = "/usr/share/hostfit/hooks"
COUNT = itertools.count(1)


def line(images, container):
    return (
        f"hostfit: {images.built['module'].name} does not fit this host: kernel.loadedmodule gtp5g: "
        f"required present, found absent (hostfit why {container[:12]})"
    )


@pytest.fixture
def podman(booted, images):
    """Start an image of the bed; gives what the user sees and the container's id."""

    def podman(tag, runtime, *before):
        name = f"hf-booted-{next(COUNT)}"
        done = booted.podman(
            *before, "--runtime", runtime, "run", *booted.limits, "--name", name, images.built[tag].name,
        )  # fmt: skip
        container = booted.podman("inspect", "--format", "{{.Id}}", name, check=True).out.strip()
        booted.podman("rm", name, check=True)
        return done, container

    return podman


def ctr(booted, image, container, binary):
    words = ["ctr", "run", "--rm", "--cpu-shares", "0", "--snapshotter", "native", "--runc-binary", binary]
    return booted.run([*words, image.name, container])


@pytest.mark.parametrize("runtime", ["runc", "crun"])
class TestPodman:
    def test_image_that_fits_starts_as_without_hostfit(self, podman, runtime):
        without, _ = podman("fits", runtime)
        done, _ = podman("fits", WRAPPERS[runtime])

        assert (without.code, without.out) == (7, STARTED)
        assert done == without

    def test_image_that_does_not_fit_is_refused_with_the_reason(self, booted, podman, images, runtime):
        done, container = podman("module", WRAPPERS[runtime])

        assert done.code == 126
        assert done.err == f"Error: OCI runtime error: {WRAPPERS[runtime]}: {line(images, container)}\n"
        assert booted.podman("ps", "-aq", check=True).out == ""

    def test_hook_refuses_and_the_journal_has_the_reason(self, booted, podman, images, runtime):
        done, container = podman("module", runtime, "--hooks-dir", HOOKS)

        assert done.code == 126
        if runtime == "runc":
            assert line(images, container) in done.err
        else:
            # crun sends what a hook says to /dev/null, so the journal is the only place.
            assert done.err == (
                "Error: OCI runtime error: crun: error executing hook `/usr/libexec/oci/hooks.d/hostfit-hook` "
                "(exit code: 1)\n"
            )
        (entry,) = booted.journal(f"HOSTFIT_CONTAINER_ID={container}")
        assert entry["MESSAGE"] == line(images, container)
        assert entry["HOSTFIT_ENTRY"] == "hook"
        why = booted.run(["hostfit", "why", container[:12], "--format", "json"], check=True)
        assert json.loads(why.out)["line"] == line(images, container)

    def test_hook_lets_an_image_start_that_fits(self, podman, runtime):
        done, _ = podman("fits", runtime, "--hooks-dir", HOOKS)

        assert (done.code, done.out, done.err) == (7, STARTED, "")


@pytest.mark.parametrize("runtime", ["runc", "crun"])
class TestContainerd:
    def test_image_that_fits_starts_as_without_hostfit(self, booted, images, runtime):
        without = ctr(booted, images.built["fits"], "hf-without", f"/usr/bin/{runtime}")
        done = ctr(booted, images.built["fits"], "hf-with", WRAPPERS[runtime])

        assert (without.code, without.out) == (7, STARTED)
        assert done == without

    def test_image_that_does_not_fit_is_refused_with_the_reason(self, booted, images, runtime):
        container = f"hf-refused-{runtime}"
        done = ctr(booted, images.built["module"], container, WRAPPERS[runtime])

        reason = line(images, container).replace(container[:12], container)
        assert done.code == 1
        # Since containerd 2 ctr leaves the kind of the error out.
        shown = done.err.removesuffix("\n").removesuffix(": unknown")
        assert shown == f"ctr: failed to create shim task: OCI runtime create failed: {reason}"
        assert booted.run(["ctr", "containers", "ls", "-q"], check=True).out == ""


class TestJournal:
    def test_refusal_is_an_entry_with_every_field(self, booted, podman, images):
        _, container = podman("module", WRAPPERS["runc"])

        (entry,) = booted.journal(f"HOSTFIT_CONTAINER_ID={container}")

        assert entry["_TRANSPORT"] == "journal"
        assert entry["MESSAGE"] == line(images, container)
        assert (entry["PRIORITY"], entry["HOSTFIT_VERDICT"], entry["HOSTFIT_ACTION"]) == ("3", "misfit", "deny")
        assert entry["HOSTFIT_IMAGE"] == images.built["module"].name
        assert entry["HOSTFIT_IMAGE_DIGEST"] == images.built["module"].digest
        assert entry["HOSTFIT_RULE"] == "kernel.loadedmodule.gtp5g exists"
        report = json.loads(entry["HOSTFIT_REPORT"])
        assert (report["verdict"], report["container"]["id"]) == ("misfit", container)

    def test_start_is_an_entry_of_low_priority(self, booted, podman):
        _, container = podman("fits", WRAPPERS["runc"])

        entries = booted.journal(f"HOSTFIT_CONTAINER_ID={container}")

        assert {(entry["PRIORITY"], entry["HOSTFIT_VERDICT"]) for entry in entries} == {("6", "fit")}

    def test_catalogue_explains_the_entry(self, booted, podman):
        _, container = podman("module", WRAPPERS["runc"])
        booted.run(["journalctl", "--sync"], check=True)

        shown = booted.run(["journalctl", "-x", "--no-pager", "-t", "hostfit", f"HOSTFIT_CONTAINER_ID={container}"])

        assert f"Subject: Container {container} was refused" in shown.out
