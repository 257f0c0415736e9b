"""Rootless Podman: the user's own images and state, the system's policy."""

from __future__ import annotations

import json

import pytest
from hostfit_bed import product
from hostfit_bed.catalogue import MODULE, REQUIRE
from hostfit_bed.images import STARTED
from hostfit_bed.rootless import User

LINE = "does not fit this host: kernel.loadedmodule gtp5g: required present, found absent"


@pytest.fixture(scope="module")
def user(room, images):
    user = User(room)
    for tag in ("fits", "module", "newer"):
        user.load(images.built[tag])
    return user


@pytest.fixture(params=[product.RUNTIME, product.RUNTIME_CRUN], ids=["runc", "crun"])
def wrapper(request):
    return str(request.param)


def names(directory):
    return sorted(entry.name for entry in directory.iterdir()) if directory.is_dir() else []


def test_a_container_that_fits_runs_and_one_that_does_not_is_refused(user, host, images, wrapper):
    """The image is in the user's own store, and root's directories stay as they were."""
    before = names(host.room.run_dir / "hostfit")
    started = user.podman("--runtime", wrapper, "run", "--rm", images.built["fits"].name)
    refused = user.podman(
        "--runtime", wrapper, "run", "--rm", "--cidfile", f"{user.inside}/cid", images.built["module"].name
    )
    container = (user.runtime_dir / "cid").read_text()
    (user.runtime_dir / "cid").unlink()

    assert (started.code, started.out) == (7, f"{STARTED}\n")
    line = f"hostfit: {images.built['module'].name} {LINE} (hostfit why {container[:12]})"
    assert (refused.code, refused.err) == (126, f"Error: OCI runtime error: {wrapper}: {line}\n")
    assert user.podman("ps", "-aq", check=True).out == ""
    assert names(host.room.run_dir / "hostfit") == before
    assert user.run([product.HOSTFIT, "why", container[:12]], check=True).out.startswith(line)
    assert host.hostfit("why", container[:12]).code == 2, "root's reports are root's"


def test_every_other_verb_reaches_the_containers_own_runtime(user, images, wrapper):
    """Each call finds the record in the user's runtime directory."""
    start = ["run", "-d", "--name", "worker", images.built["fits"].name, "/bin/sleep", "1000"]
    user.podman("--runtime", wrapper, *start, check=True)
    inside = user.podman("exec", "worker", "/bin/sh", "-c", "echo inside", check=True)
    recorded = [path for path in (user.runtime_dir / "hostfit" / "containers").iterdir() if not path.is_symlink()]
    user.podman("kill", "worker", check=True)
    user.podman("rm", "-f", "worker", check=True)

    assert inside.out == "inside\n"
    newest = max(recorded, key=lambda path: path.stat().st_mtime_ns).read_text()
    assert newest.splitlines()[0].endswith(wrapper.removeprefix(str(product.RUNTIME)).removeprefix("-") or "runc")
    assert (user.runtime_dir / "hostfit" / "containers").stat().st_mode & 0o777 == 0o700
    assert user.podman("ps", "-aq", check=True).out == ""


def test_the_systems_policy_is_the_users_too(user, host, images):
    """A user can neither change it nor do without it."""
    start = ["--runtime", str(product.RUNTIME), "run", "--rm"]
    host.policy('[policy]\non_misfit = "warn"\non_unknown = "deny"\n')
    warned = user.podman(*start, images.built["module"].name)
    refused = user.podman(*start, images.built["newer"].name)
    written = user.run(["sh", "-c", "echo >>/etc/hostfit/hostfit.toml || echo >/etc/hostfit/disabled"])
    host.policy("[policy\n")
    broken = user.podman(*start, images.built["fits"].name)

    assert (warned.code, warned.out) == (7, f"{STARTED}\n")
    assert refused.code == 126
    assert written.code != 0
    assert broken.code == 126
    assert "hostfit.toml" in broken.err


def test_what_the_system_has_looked_up_and_hides_counts_as_never_looked_up(user, host, images):
    """hostfit sync keeps its store for root; a user's containers are not denied for that."""
    (host.room.lib / "hostfit" / "looked-up" / "sha256").mkdir(parents=True, mode=0o700)
    (host.room.lib / "hostfit" / "looked-up" / "sha256").chmod(0o700)
    start = ["--runtime", str(product.RUNTIME), "run", "--rm", images.built["fits"].name]
    warned = user.podman(*start)
    host.policy('[policy]\non_unsynced = "deny"\n')
    refused = user.podman(*start)

    assert (warned.code, warned.out) == (7, f"{STARTED}\n")
    assert refused.code == 126
    assert "hostfit sync" in refused.err


def test_an_image_of_an_additional_store_is_found_there(user, host, images):
    """One that the user's own storage.conf names; the system's own store is root's to read and stands in no way."""
    shared = f"/var/lib/{user.name}/shared"
    user.podman("--root", shared, "load", "-q", "-i", f"/var/lib/{user.name}/module.oci.tar", check=True)
    user.podman("rmi", images.built["module"].name, check=True)
    user.run(["mkdir", "-p", f"/var/lib/{user.name}/.config/containers"], check=True)
    stores = f'[storage]\ndriver = "vfs"\n[storage.options]\nadditionalimagestores = ["{shared}"]\n'
    conf = f"/var/lib/{user.name}/.config/containers/storage.conf"
    user.run(["sh", "-c", 'cat >"$0"', conf], stdin=stores, check=True)
    found = user.podman("--runtime", str(product.RUNTIME), "run", "--rm", images.built["module"].name)
    user.run(["rm", conf], check=True)
    user.load(images.built["module"])

    assert found.code == 126
    assert LINE in found.err


def test_the_hook_judges_where_it_is_named_and_no_wrapper_has(user, host, images):
    """Rootless Podman reads no directory of hooks by itself."""
    hooks = ["--hooks-dir", str(product.HOOKS_DIR)]
    refused = user.podman("--runtime", "runc", *hooks, "run", "--rm", images.built["module"].name)
    unread = user.podman("--runtime", "runc", "run", "--rm", images.built["module"].name)
    reports = names(user.runtime_dir / "hostfit" / "reports")
    both = user.podman("--runtime", str(product.RUNTIME), *hooks, "run", "--rm", images.built["fits"].name)

    assert refused.code == 126
    assert LINE in refused.err
    assert unread.code == 7
    assert both.code == 7
    assert len(names(user.runtime_dir / "hostfit" / "reports")) == len(reports) + 1, "wrapper and hook decide once"


def test_a_user_without_a_runtime_directory_is_told_so(user, images, room):
    bundle = f"/var/lib/{user.name}/bundle"
    user.run(["mkdir", "-p", f"{bundle}/rootfs"], check=True)
    spec = {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": ["true"]}}
    (room.lib / user.name / "bundle" / "config.json").write_text(json.dumps(spec | {"annotations": {REQUIRE: MODULE}}))
    start = [product.RUNTIME, "run", "--bundle", bundle, "one"]
    user.runtime_dir.rename(user.runtime_dir.parent / "away")
    try:
        refused = user.run(start)
        (room.lib / user.name / "bundle" / "config.json").write_text(json.dumps(spec))
        stopped = user.run(start)
    finally:
        (user.runtime_dir.parent / "away").rename(user.runtime_dir)

    assert refused.err.startswith(f"hostfit: container one {LINE}")
    said = "XDG_RUNTIME_DIR: must name a directory of the user's own, and /run/hostfit cannot be written: EACCES"
    assert (stopped.code, stopped.err) == (1, f"hostfit: {said}\n")
