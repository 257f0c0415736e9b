"""Callers with habits of their own: stderr alone, a terminal, other namespaces, build steps, many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hostfit_bed.ways import WRAPPERS

COMPLAINT = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent (hostfit why "


def test_podman_that_reads_no_log_shows_the_line_from_stderr(podman, images, host, room):
    """A runtime outside `runtime_supports_json` is called without --log."""
    link = room.opt / "hostfit" / "bin" / "hostfit-runtime-runc"
    link.symlink_to("hostfit-runtime")
    try:
        done = podman.start(images.built["module"], runtime=f"/opt/hostfit/bin/{link.name}", options=("--rm",))
    finally:
        link.unlink()

    assert done.code == 126
    assert f"hostfit: {images.built['module'].name} {COMPLAINT}" in done.err


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_container_with_a_terminal_starts_and_is_refused_alike(podman, images, host, runtime):
    words = ("/bin/sh", "-c", "test -t 0 && test -t 1 && echo on a terminal; exit 7")
    without = podman.start(images.built["fits"], *words, runtime=runtime, options=("--rm", "-t"))
    fits = podman.start(images.built["fits"], *words, runtime=WRAPPERS[runtime], options=("--rm", "-t"))
    module = podman.start(images.built["module"], *words, runtime=WRAPPERS[runtime], options=("--rm", "-t"))

    assert "on a terminal" in without.out
    assert fits == without
    assert module.code == 126
    assert COMPLAINT in module.err


def test_image_of_another_containerd_namespace_is_found_there(containerd, images, host):
    """containerd 1.6 passes the namespace in no variable: the bundle's place tells it."""
    image = images.built["module"]
    space = ("-n", "hf-other")
    containerd(*space, "images", "import", image.oci, check=True)

    done = containerd(*space, "run", "--rm", "--runc-binary", WRAPPERS["runc"], image.name, "hf-other-1")

    assert done.code == 1
    assert f"hostfit: {image.name} {COMPLAINT}hf-other-1)" in done.err
    containerd(*space, "images", "rm", "--sync", image.name, check=True)


def test_build_step_runs_and_is_no_container_of_unknown_image(podman, images, host, journal, tmp_path):
    recipe = tmp_path / "Containerfile"
    recipe.write_text(f"FROM {images.built['plain'].name}\nRUN id -u >/built\n")

    done = podman("--runtime", WRAPPERS["runc"], "build", "--pull=never", "-t", "localhost/hostfit/product:1", tmp_path)

    assert done.code == 0, done
    assert [entry["HOSTFIT_VERDICT"] for entry in journal.entries if entry["HOSTFIT_VERDICT"] != "fit"] == []
    podman("rmi", "localhost/hostfit/product:1", check=True)


def test_policy_counts_from_the_moment_it_is_written(podman, images, host):
    """What is compiled is valid only while its sources are as they were."""
    codes = []
    for action in ("deny", "warn", "deny", "allow"):
        host.policy(f'[policy]\non_misfit = "{action}"\n')
        codes.append(podman.start(images.built["module"], runtime=WRAPPERS["runc"], options=("--rm",)).code)

    assert codes == [126, 7, 126, 7]


def test_many_containers_at_once_all_start_or_are_refused(bare, host):
    wanted = {"fits": "kernel.version.full >=4.0", "module": "kernel.loadedmodule.gtp5g exists"}
    bundles = {
        f"hf-many-{number}-{tag}": bare.bundle(f"hf-many-{number}-{tag}", annotations={"io.hostfit.require": text})
        for number in range(6)
        for tag, text in wanted.items()
    }

    with ThreadPoolExecutor(6) as pool:
        done = dict(
            zip(
                bundles,
                pool.map(lambda one: bare.start(WRAPPERS["runc"], one[1], one[0]), bundles.items()),
                strict=True,
            )
        )

    assert {name: result.code for name, result in done.items()} == {
        name: 7 if name.endswith("fits") else 1 for name in bundles
    }
    assert len(host.records()) <= 2 * len(bundles)
