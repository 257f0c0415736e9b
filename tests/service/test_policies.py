"""IS policy: held between decisions while every file and directory that it comes from is what it was, and no longer."""

from __future__ import annotations

import resource
import time

import pytest

from hostfit.core.errors import PolicyError
from hostfit.core.image import Image, Resolution
from hostfit.core.paths import Paths
from hostfit.oci.request import Bundle, Request
from hostfit.policy.compiled import SETTLED
from hostfit.service.decide import Decider
from hostfit.service.live import LiveHost
from hostfit.service.policies import Policies

from .conftest import until

SPEC = """
  version: v1alpha1
  compatibilities:
  - rules:
    - name: module
      matchFeatures:
      - feature: kernel.loadedmodule
        matchExpressions:
          hostfit_none: {op: Exists}
"""
FILES = {
    "hostfit.toml": ('[policy]\non_misfit = "warn"\n', '[policy]\non_misfit = "deny"\n'),
    "conf.d/site.toml": ('[policy]\non_misfit = "warn"\n', '[policy]\non_misfit = "deny"\n'),
    "images.d/upf.yaml": (f"images: ['*/upf:1']\nspec:{SPEC}", f"images: ['*/upf:2']\nspec:{SPEC}"),
}
"""Each with another text of the same length, so that nothing but its times tells that it was written anew."""
UPF = Image(name="docker.io/free5gc/upf:1", names=("docker.io/free5gc/upf:1",), digest="sha256:" + "a" * 64)


class Site:
    """A configuration, empty at first, and what a service holds of it."""

    def __init__(self, top):
        top.chmod(0o755)
        self.top, self.etc = top, top / "etc"
        self.paths = Paths(*(f"{top}/{name}" for name in ("etc", "run", "var")))
        self.policies = Policies()
        for name in ("conf.d", "images.d"):
            (self.etc / name).mkdir(mode=0o755, parents=True)

    def write(self, name, text):
        (self.etc / name).write_text(text)
        (self.etc / name).chmod(0o644)

    def told(self):
        """What the next question is decided by."""
        policy = self.policies.load(self.paths)
        return policy.base.on_misfit, [one.images for one in policy.images.entries]

    def settle(self):
        """Have it held: a file that has just changed is read each time, for it may change again unseen."""

        def held():
            return self.policies.load(self.paths) is self.policies.load(self.paths)

        until(held, "what stays as it is must be held")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_comes_changes_and_goes_counts_for_the_next_question(name, site):
    one, other = FILES[name]
    site.settle()
    nothing = site.told()

    site.write(name, one)
    first = site.told()
    site.settle()
    site.write(name, other)
    second = site.told()
    site.settle()
    (site.etc / name).unlink()

    assert site.told() == nothing
    assert nothing != first != second


def test_a_file_that_has_just_changed_is_not_held_for_it_may_change_again_unseen(site):
    def held():
        site.write("hostfit.toml", FILES["hostfit.toml"][0])
        first, second = site.policies.load(site.paths), site.policies.load(site.paths)
        # On a busy machine the time may be over: then once more.
        early = time.time_ns() < (site.etc / "hostfit.toml").stat().st_ctime_ns + SETTLED
        return [first is second] if early else None

    assert until(held, "two questions in time") == [False]


def test_a_policy_that_cannot_be_used_is_refused_until_it_can(site):
    site.write("hostfit.toml", "[policy]\non_misfit = 1\n")
    for _ in range(2):
        with pytest.raises(PolicyError, match="on_misfit"):
            site.told()

    site.write("hostfit.toml", FILES["hostfit.toml"][0])
    assert site.told() == ("warn", [])


def test_a_configuration_that_cannot_be_looked_at_is_refused_until_it_can(site):
    site.settle()
    site.etc.rename(site.top / "aside")
    site.etc.touch()
    for _ in range(2):
        with pytest.raises(PolicyError, match="ENOTDIR"):
            site.told()

    site.etc.unlink()
    (site.top / "aside").rename(site.etc)
    assert site.told() == ("deny", [])


def test_a_policy_that_could_not_be_read_once_is_read_for_the_next_question(site):
    """Nothing about its files says that there are descriptors again."""
    site.write("hostfit.toml", FILES["hostfit.toml"][0])
    site.settle()
    site.policies = Policies()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(PolicyError) as error:
            site.told()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert "EMFILE" in str(error.value)
    assert site.told() == ("warn", [])


def test_a_directory_that_others_may_write_takes_the_trust_from_what_is_held(site):
    site.write("hostfit.toml", FILES["hostfit.toml"][0])
    site.settle()

    site.top.chmod(0o777)
    with pytest.raises(PolicyError, match="must not be writable by group or others"):
        site.told()

    site.top.chmod(0o755)
    assert site.told() == ("warn", [])


def test_a_spec_that_the_administrator_gives_counts_for_the_next_question(site):
    decider = Decider(site.paths, LiveHost(listen=False))
    request = Request(entry="hook", verb="create", id="c1", bundle=Bundle("/"))

    def action():
        return decider.decide(request, seconds=60.0, resolution=Resolution("podman", UPF)).decision.action

    assert [action(), action()] == ["allow", "allow"]
    site.write("images.d/upf.yaml", FILES["images.d/upf.yaml"][0])
    assert action() == "deny"
