"""SEC2, DE5: which runtime takes a container. Whatever image, pod and registry say, isolation never falls (T2)."""

from __future__ import annotations

import random

import pytest

from hostfit.core import choice
from hostfit.core.choice import Assessment, Runtime, Wish, choose
from hostfit.core.decision import ACTIONS, DENY, WARN
from hostfit.core.results import FIT, INVALID, MISFIT, UNKNOWN

OWN = {"runsc": "runsc", "kata": "kata"}
ISOLATION = {"runc": 1, "crun": 1, "nvidia": 1, "runsc": 2, "kata": 3}


def runtimes(*wanted, asked=(), instead=None):
    return {
        name: Runtime(
            name,
            isolation=level,
            kind=OWN.get(name, choice.KIND_HOST),
            grants=name == "nvidia",
            wanted=name in wanted,
            asked=name in asked,
            instead=(instead or {}).get(name, ()),
        )
        for name, level in ISOLATION.items()
    }


def taken(wish, known=None, **said):
    """Choose where everything can run but what `said` says otherwise of."""
    return choose(wish, known or runtimes(), lambda name: said.get(name, Assessment()))


MISSING = Assessment("/usr/bin/x: ENOENT")
UNFIT = Assessment(verdict=MISFIT, action=DENY, misfit="kernel.module gtp5g: required loaded, found absent")


class TestOrder:
    """Matching `when`, the deployer's request, the default."""

    def test_default_takes_what_nobody_asks_anything_of(self):
        found = taken(Wish("runc"))

        assert (found.name, found.because, found.reasons["kata"]) == ("runc", choice.DEFAULT, "runc comes first")

    def test_second_default_is_taken_where_the_first_is_not_there(self):
        assert taken(Wish("runc", ("runc", "crun")), runc=MISSING).name == "crun"

    def test_deployer_s_request_goes_before_the_default(self):
        assert taken(Wish("runc", requested="kata")).because == choice.REQUESTED

    def test_rule_of_the_administrator_goes_before_a_request_of_equal_isolation(self):
        assert taken(Wish("runc", requested="crun"), runtimes("nvidia", asked=("nvidia",))).name == "nvidia"

    def test_request_for_more_isolation_is_not_undone_by_a_rule(self):
        assert taken(Wish("runc", requested="kata"), runtimes("runsc")).name == "kata"

    def test_rule_whose_runtime_is_not_there_leaves_the_default_of_equal_isolation(self):
        known = runtimes("nvidia", asked=("nvidia",))

        found = taken(Wish("runc"), known, nvidia=MISSING)

        assert (found.name, found.reasons["nvidia"]) == ("runc", MISSING.reason)

    def test_preference_counts_among_equals_only(self):
        assert taken(Wish("runc", preferred=("kata", "nvidia", "crun"))).name == "crun"

    def test_preference_counts_for_nothing_against_a_request(self):
        assert taken(Wish("runc", requested="runc", preferred=("crun",))).name == "runc"

    def test_image_for_another_runtime_goes_there(self):
        """A WebAssembly image under runc: it is sure to fit crun alone."""
        unsure = Assessment(verdict=UNKNOWN, action=WARN)

        found = taken(Wish("runc"), runc=UNFIT, nvidia=UNFIT, runsc=unsure, kata=unsure)

        assert (found.name, found.because) == ("crun", choice.FITTING)

    def test_misfit_that_is_only_warned_about_starts_on_the_default(self):
        warned = Assessment(verdict=MISFIT, action=WARN)

        assert taken(Wish("runc"), **dict.fromkeys(ISOLATION, warned)).name == "runc"


class TestAbort:
    """A stricter runtime that cannot run is an abort, unless the policy names what may take its place."""

    def test_rule_for_a_stricter_runtime_that_cannot_run(self):
        found = taken(Wish("runc"), runtimes("kata"), kata=Assessment("requires device.node: no /dev/kvm"))

        assert found.name == ""
        assert found.error == (
            "no runtime can be used: kata: requires device.node: no /dev/kvm;"
            " runc: its isolation 1 is below the 3 of kata"
        )
        assert found.reasons["runsc"] == "its isolation 2 is below the 3 of kata"

    def test_default_that_cannot_run(self):
        assert taken(Wish("runsc"), runsc=MISSING).name == ""

    def test_request_that_is_no_candidate(self):
        for asked, why in (
            ("mine", "no such runtime in the policy"),
            ("kata", MISSING.reason),
        ):
            found = taken(Wish("runc", requested=asked), kata=MISSING)

            assert (found.name, found.error) == ("", f"the deployer asked for runtime {asked}: {why}")

    def test_request_that_the_policy_forbids(self):
        found = taken(Wish("runc", requested="kata", allowed=frozenset(("runc", "runsc"))))

        assert found.error == "the deployer asked for runtime kata: the policy does not allow it here"

    def test_request_that_the_policy_allows(self):
        assert taken(Wish("runc", requested="kata", allowed=frozenset(("runc", "kata")))).name == "kata"

    def test_request_that_may_be_the_image_s_stops_nothing_below_the_floor(self):
        known = runtimes("kata", asked=("kata",))

        assert taken(Wish("runc", requested="runsc", certain=False), known).name == "kata"
        assert taken(Wish("runc", requested="runsc"), known).name == ""
        assert taken(Wish("runc", requested="runsc", certain=False)).name == "runsc"

    def test_floor_is_the_most_that_is_demanded(self):
        assert taken(Wish("runc", requested="runsc"), runtimes("kata", asked=("kata",))).floor == 3

    def test_request_below_the_floor(self):
        found = taken(Wish("runsc", requested="runc"))

        assert found.error == "the deployer asked for runtime runc: its isolation 1 is below the 2 of runsc"

    def test_substitute_that_the_policy_names_is_taken(self):
        found = taken(Wish("runc", requested="kata"), runtimes(instead={"kata": ("runsc",)}), kata=MISSING)

        assert (found.name, found.because) == ("runsc", choice.SUBSTITUTE)

    def test_substitute_may_be_weaker_than_what_it_stands_for_and_than_nothing_else(self):
        known = runtimes("runsc", instead={"kata": ("runc",)})

        assert taken(Wish("runc", requested="kata"), known, kata=MISSING).name == ""

    def test_image_cannot_call_for_a_substitute_by_not_fitting(self):
        assert taken(Wish("runc", requested="kata"), runtimes(instead={"kata": ("runc",)}), kata=UNFIT).name == ""

    def test_policy_that_forbids_a_runtime_names_no_substitute_for_it(self):
        wish = Wish("runc", requested="kata", allowed=frozenset(("runc",)))

        assert taken(wish, runtimes(instead={"kata": ("runc",)})).name == ""

    def test_each_runtime_has_its_reason(self):
        found = taken(Wish("runc"), **dict.fromkeys(ISOLATION, UNFIT))

        assert (found.name, found.error, found.about) == ("", "", "runc")
        assert found.reasons.keys() == ISOLATION.keys()
        assert found.reasons["runc"] == UNFIT.misfit


class TestGrants:
    """CH6: NVIDIA's runtime adds access, so the image alone never gets it."""

    def test_it_is_not_taken_because_the_image_fits_or_prefers_it(self):
        assert taken(Wish("runc", preferred=("nvidia",))).name == "runc"
        assert taken(Wish("runc"), **{**dict.fromkeys(ISOLATION, UNFIT), "nvidia": Assessment()}).name == ""

    def test_deployer_administrator_and_engine_can_ask(self):
        assert taken(Wish("runc", requested="nvidia")).name == "nvidia"
        assert taken(Wish("runc"), runtimes("nvidia", asked=("nvidia",))).name == "nvidia"
        assert taken(Wish("nvidia")).name == "nvidia"

    def test_request_that_may_be_the_image_s_counts_for_nothing(self):
        assert taken(Wish("runc", requested="nvidia", certain=False)).name == "runc"
        assert taken(Wish("runc", requested="crun", certain=False)).name == "runc"
        assert taken(Wish("runc", requested="mine", certain=False)).name == "runc"

    def test_request_that_may_be_the_image_s_still_tightens(self):
        assert taken(Wish("runc", requested="kata", certain=False)).name == "kata"


class TestPods:
    """The sandbox fixes the kind."""

    def test_kind_host_is_chosen_within(self):
        assert taken(Wish("runc", requested="crun", kind=choice.KIND_HOST)).name == "crun"
        found = taken(Wish("runc", requested="kata", kind=choice.KIND_HOST))
        assert "the pod's sandbox is of kind host" in found.error

    def test_any_other_kind_binds_its_containers(self):
        assert taken(Wish("runc", ("runsc",), kind="runsc")).name == "runsc"
        assert taken(Wish("runc", ("runsc",), kind="runsc"), runtimes("kata")).name == ""
        assert taken(Wish("runc", ("runsc",), kind="runsc"), runsc=MISSING).name == ""


def request_by(chance):
    """Make one request out of nothing but chance: policy, host, deployer, and an image that says anything."""
    names = [f"r{number}" for number in range(chance.randint(1, 6))]
    said = {}
    known = {}
    for name in names:
        kind = chance.choice([choice.KIND_HOST, name])
        wanted = chance.random() < 0.2
        known[name] = Runtime(
            name,
            isolation=chance.randint(0, 3),
            kind=kind,
            grants=chance.random() < 0.3,
            wanted=wanted,
            asked=wanted and chance.random() < 0.5,
            instead=tuple(chance.sample(names, chance.randint(0, 2))) if chance.random() < 0.2 and names[1:] else (),
        )
        reason = "not here" if chance.random() < 0.3 else ""
        said[name] = Assessment(
            reason, verdict=chance.choice([FIT, FIT, UNKNOWN, MISFIT, INVALID]), action=chance.choice(ACTIONS)
        )
    some = [*names, "none"]
    wish = Wish(
        chance.choice(some),
        tuple(chance.sample(names, 1)) if chance.random() < 0.2 else (),
        requested=chance.choice(some) if chance.random() < 0.5 else "",
        certain=chance.random() < 0.7,
        preferred=tuple(chance.choices(some, k=chance.randint(0, 3))),
        allowed=frozenset(chance.sample(names, chance.randint(0, len(names)))) if chance.random() < 0.3 else None,
        kind=chance.choice([choice.KIND_HOST, *names]) if chance.random() < 0.3 else "",
    )
    return wish, known, said


def holds(wish, known, said):
    """Say which part of the law a choice breaks, if any, in words that do not go by the code under test."""
    found = choose(wish, known, said.__getitem__)
    if not found.name:
        return "" if all(found.reasons.get(name) for name in known) else "a runtime without a reason"
    one = known[found.name]
    demanded = [other for other in known.values() if other.wanted or other.name == wish.entry]
    if wish.requested in known and wish.certain:
        demanded.append(known[wish.requested])
    for other in demanded:
        if one.isolation < other.isolation and (found.name not in other.instead or not said[other.name].reason):
            return f"{found.name} is below {other.name}"
    named = one.name in (wish.entry, *wish.defaults) or (wish.certain and one.name == wish.requested)
    substituted = any(one.name in other.instead for other in demanded)
    if one.grants and not (named or one.asked or substituted):
        return f"{found.name} grants access unasked"
    if wish.allowed is not None and found.name not in wish.allowed:
        return f"{found.name} is not allowed"
    if wish.kind and one.kind != wish.kind:
        return f"{found.name} is of another kind than the pod"
    if said[found.name].reason or said[found.name].action == DENY:
        return f"{found.name} cannot run"
    if wish.requested and wish.certain and found.name != wish.requested and not (one.wanted or substituted):
        return f"the deployer asked for {wish.requested} and got {found.name}"
    return ""


def test_whatever_is_said_isolation_never_falls_and_nothing_is_granted_unasked():
    for seed in range(10_000):
        assert holds(*request_by(random.Random(seed))) == "", f"seed {seed}"


@pytest.mark.soak
def test_a_million_times():
    chance = random.Random(0)
    for number in range(1_000_000):
        assert holds(*request_by(chance)) == "", f"request {number} of seed 0"


def test_image_changes_nothing_but_whether_it_fits():
    """What an image is judged, and what it prefers, never lead to less isolation than without it."""
    for seed in range(3_000):
        wish, known, said = request_by(random.Random(seed))
        plain = {name: Assessment(one.reason) for name, one in said.items()}
        without = Wish(
            wish.entry,
            wish.defaults,
            requested=wish.requested if wish.certain else "",
            allowed=wish.allowed,
            kind=wish.kind,
        )
        before = choose(without, known, plain.__getitem__)
        after = choose(wish, known, said.__getitem__)

        if before.name and after.name and not any(one.instead for one in known.values()):
            assert known[after.name].isolation >= min(before.floor, known[before.name].isolation), f"seed {seed}"
