"""The configuration is read strictly: every mistake is named with file, line, key, what was required and found."""

from __future__ import annotations

import pytest

from hostfit.core.decision import Knobs
from hostfit.core.errors import PolicyError
from hostfit.policy import load
from hostfit.policy.model import KNOBS, OWN


def refusal(site):
    with pytest.raises(PolicyError) as caught:
        load.load(site.paths)
    return str(caught.value).replace(str(site.etc) + "/", "")


def test_no_configuration_at_all_is_safe_and_useful(site):
    policy = load.load(site.paths)

    assert policy.base == Knobs("deny", "warn", "warn", "deny")
    assert policy.defaults == ("runc", "crun")
    assert policy.runtimes["crun"].binaries[0] == "/usr/bin/crun"


def test_whole_configuration_of_the_manual_is_read(site):
    site.write(
        "hostfit.toml",
        """
[policy]
default = "runc"
on_misfit = "deny"
on_unknown = "warn"
on_unsynced = "allow"
on_error = "deny"

[[scope]]
image = "registry.example/critical/*"
namespace = "prod"
on_unknown = "deny"

[runtime.runsc]
binary = "/usr/bin/runsc"
isolation = 2
kernel = "own"
grants = false
platforms = ["linux/amd64"]
facts = "/etc/hostfit/gvisor.json"
[[runtime.runsc.requires]]
name = "kvm"
matchFeatures = [{ feature = "device.node", matchExpressions = { path = { op = "In", value = ["/dev/kvm"] } } }]

[[runtime.runsc.when]]
name = "asked for"
matchFeatures = [{ feature = "request.annotation", matchExpressions = { sandbox = { op = "In", value = ["gvisor"] } } }]

[runtime.kata]
shim = "/usr/bin/containerd-shim-kata-v2"
isolation = 3
""",
    )

    policy = load.load(site.paths)

    assert policy.defaults == ("runc",)
    assert policy.base.on_unsynced == "allow"
    runsc = policy.runtimes["runsc"]
    assert (runsc.binaries, runsc.isolation, runsc.kernel) == (("/usr/bin/runsc",), 2, OWN)
    assert [rule.name for rule in runsc.requires + runsc.when] == ["kvm", "asked for"]
    assert policy.runtimes["kata"].shims == ("/usr/bin/containerd-shim-kata-v2",)
    assert set(policy.own) == {"runc", "crun", "runsc", "kata"}


def test_later_files_win_key_by_key_and_scopes_and_runtimes_add(site):
    site.write(
        "hostfit.toml",
        '[policy]\non_misfit = "warn"\non_unknown = "deny"\n[[scope]]\nnamespace = "a"\non_error = "warn"\n',
    )
    site.write("conf.d/20-b.toml", '[policy]\non_misfit = "deny"\n[runtime.crun]\nisolation = 4\n')
    site.write(
        "conf.d/10-a.toml",
        '[policy]\non_misfit = "allow"\n[[scope]]\nnamespace = "b"\non_error = "warn"\n'
        '[runtime.crun]\nisolation = 3\nbinary = "/opt/crun"\n',
    )
    site.write("conf.d/.swap.toml", "nonsense")
    site.write("conf.d/readme.txt", "nonsense")

    policy = load.load(site.paths)

    assert (policy.base.on_misfit, policy.base.on_unknown) == ("deny", "deny")
    assert [scope.namespace for scope in policy.scopes] == ["a", "b"]
    assert (policy.runtimes["crun"].isolation, policy.runtimes["crun"].binaries) == (4, ("/opt/crun",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[policy]\ndefault = "runc"\non_mistfit = "deny"\n',
            'hostfit.toml:3: policy.on_mistfit: required a known key, found "on_mistfit" (did you mean on_misfit?)',
        ),
        (
            '[policy]\non_misfit = "sometimes"\n',
            'hostfit.toml:2: policy.on_misfit: required one of allow, warn, deny, found "sometimes"',
        ),
        (
            '[policy]\non_misfit = "den"\n',
            'hostfit.toml:2: policy.on_misfit: required one of allow, warn, deny, found "den" (did you mean deny?)',
        ),
        (
            "[policy]\non_error = true\n",
            "hostfit.toml:2: policy.on_error: required one of allow, warn, deny, found true",
        ),
        (
            '# comment\n\n[polcy]\non_error = "deny"\n',
            'hostfit.toml:3: polcy: required a known key, found "polcy" (did you mean policy?)',
        ),
        ("policy = 3\n", "hostfit.toml:1: policy: required a table, found the number 3"),
        (
            '[policy]\ndefault = "runk"\n',
            'hostfit.toml:2: policy.default: required a runtime that is defined, found "runk"',
        ),
        ("[policy]\ndefault = 7\n", "hostfit.toml:2: policy.default: required a text, found the number 7"),
        (
            '[[scope]]\non_error = "warn"\n',
            "hostfit.toml:1: scope[0]: required image, digest or namespace, found none of them",
        ),
        (
            '[[scope]]\nnamespace = "a"\non_error = "warn"\n\n[[scope]]\nimage = "*"\n',
            f"hostfit.toml:5: scope[1]: required one of {', '.join(KNOBS)}, allowed, preference, found none of them",
        ),
        (
            '[[scope]]\ndigest = "sha256:A"\non_error = "warn"\n',
            'hostfit.toml:2: scope[0].digest: required sha256: or sha512: with lower-case hex digits, found "sha256:A"',
        ),
        ('[scope]\nimage = "*"\n', "hostfit.toml:1: scope: required [[scope]] tables, found a table"),
        (
            "[runtime.mine]\nisolation = 2\n",
            "hostfit.toml:1: runtime.mine: required binary or shim, found neither",
        ),
        (
            '[runtime.mine]\nlike = "nothing"\nbinary = "/a"\n',
            'hostfit.toml:2: runtime.mine.like: required a runtime that is defined before, found "nothing"',
        ),
        (
            '[runtime.kata]\ninstead = ["rnc"]\n',
            'hostfit.toml:2: runtime.kata.instead: required runtimes that are defined, found "rnc"',
        ),
        (
            '[policy]\nallowed = ["runc", "rnsc"]\n',
            'hostfit.toml:2: policy.allowed: required runtimes that are defined, found "rnsc"',
        ),
        (
            '[[runtime.crun.when]]\nname = "r"\nmatchFeatures = [{ feature = "kernel.version" }]\n',
            'hostfit.toml: runtime.crun.when: required features of the request (request.*), found "kernel.version"',
        ),
        (
            '[runtime.runsc]\nbinary = "runsc"\n',
            'hostfit.toml:2: runtime.runsc.binary: required a list of absolute paths, found "runsc" in it',
        ),
        (
            '[runtime.runsc]\nbinary = "/usr/../tmp/runsc"\n',
            'hostfit.toml:2: runtime.runsc.binary: required a list of absolute paths, found "/usr/../tmp/runsc" in it',
        ),
        (
            "[runtime.runc]\nisolation = -1\n",
            "hostfit.toml:2: runtime.runc.isolation: required a whole number from 0 to 1000, found the number -1",
        ),
        (
            "[runtime.runc]\ngrants = 1\n",
            "hostfit.toml:2: runtime.runc.grants: required true or false, found the number 1",
        ),
        (
            '[runtime.runc]\nkernel = "mine"\n',
            'hostfit.toml:2: runtime.runc.kernel: required one of host, own, found "mine"',
        ),
        (
            "[runtime.runc]\nrequires = 3\n",
            "hostfit.toml:2: runtime.runc.requires: required a list of rules, found the number 3",
        ),
        (
            "[runtime.runc]\nplatforms = 1979-05-27\n",
            "hostfit.toml:2: runtime.runc.platforms: required a list of texts, found a date",
        ),
        ("[policy\n", "hostfit.toml:1: required TOML, found an error: expected ']' at the end of a table declaration"),
        ("a = 1\na = 2\n", "hostfit.toml:2: required TOML, found an error: cannot overwrite a value"),
        (b"[policy]\n# \xff\n", "hostfit.toml:2: required UTF-8, found other bytes"),
        ("a = " + "[" * 20_000, "hostfit.toml: required TOML, found values that are nested or long beyond use"),
    ],
)
def test_mistake_is_named_with_file_line_key_required_and_found(site, text, message):
    site.write("hostfit.toml", text)

    assert refusal(site) == message


@pytest.mark.parametrize(
    ("text", "place", "feature"),
    [
        (
            '[runtime.kata]\ninstead = "runc"\nrequires = [{name="r", matchFeatures = [{feature = "request.env"}]}]\n',
            "3: runtime.kata.requires",
            "request.env",
        ),
        ('[runtime.nvidia]\ninstead = ["runc"]\n', "2: runtime.nvidia.instead", "request.cdi"),
        (
            '[runtime.gpu]\nlike = "nvidia"\nbinary = "/gpu"\ninstead = ["runc"]\n',
            "4: runtime.gpu.instead",
            "request.cdi",
        ),
    ],
)
def test_runtime_with_a_substitute_requires_nothing_of_the_request(site, text, place, feature):
    """SEC2: an image that says what is in the request would choose the weaker substitute."""
    site.write("hostfit.toml", text)

    assert refusal(site) == (
        f'hostfit.toml:{place}: required features of the host beside instead, found "{feature}" in requires'
    )


def test_rules_of_a_runtime_are_checked_as_a_spec_is(site):
    site.write(
        "hostfit.toml",
        '[runtime.runc]\nrequires = [{ name = "x", matchFeatures = [{ feature = "kernel.version", matchExpressions = '
        '{ full = { op = "Bigger", value = ["1"] } } }] }]\n',
    )

    assert refusal(site).startswith(
        "hostfit.toml:2: runtime.runc.requires: requires[0].matchFeatures[0].matchExpressions.full.op: "
    )


def test_all_mistakes_are_counted_and_listed(site):
    site.write("hostfit.toml", '[policy]\non_misfit = "x"\non_error = "y"\n')
    site.write("conf.d/z.toml", "[policy]\nfoo = 1\n")

    with pytest.raises(PolicyError) as caught:
        load.load(site.paths)

    assert str(caught.value).endswith('found "x" (+2 more)')
    assert [(one.key, one.line) for one in caught.value.findings] == [
        ("policy.on_misfit", 2), ("policy.on_error", 3), ("policy.foo", 2),
    ]  # fmt: skip


def test_text_of_a_file_is_escaped_in_messages(site):
    site.write("hostfit.toml", '[policy]\n"a\\u001b[31m" = 1\n')

    assert "\x1b" not in refusal(site)


@pytest.mark.parametrize("name", ["hostfit.toml", "conf.d/a.toml", "images.d/a.yaml"])
def test_file_that_others_may_write_is_refused(site, name):
    """R3: a policy is root's alone."""
    site.write(name, "").chmod(0o666)

    assert refusal(site) == f"{name}: must not be writable by group or others, found mode 0666"


def test_file_in_a_directory_that_others_may_write_is_refused(site):
    site.write("conf.d/a.toml", "")
    (site.etc / "conf.d").chmod(0o777)

    assert refusal(site) == "conf.d: must not be writable by group or others, found mode 0777"


def test_file_of_another_owner_is_refused(site):
    import os

    os.chown(site.write("hostfit.toml", ""), 1234, 0)

    assert refusal(site) == "hostfit.toml: owner must be root, found uid 1234"


def test_link_to_nowhere_is_no_missing_configuration(site):
    (site.etc / "hostfit.toml").symlink_to("elsewhere")

    assert refusal(site) == "hostfit.toml: required readable, found ENOENT"


@pytest.mark.parametrize("name", ["conf.d", "images.d", "."])
def test_link_to_a_directory_that_is_not_there_is_no_missing_configuration(site, name):
    link = site.etc / name
    if name == ".":
        site.etc.rmdir()
    link.symlink_to("elsewhere")

    with pytest.raises(PolicyError, match="required readable, found ENOENT"):
        load.load(site.paths)


def test_link_to_an_empty_configuration_is_one(site):
    site.etc.rename(site.base / "elsewhere")
    site.etc.symlink_to(site.base / "elsewhere")

    assert load.load(site.paths).sources == ()


def test_directory_in_place_of_the_file_is_refused(site):
    (site.etc / "hostfit.toml").mkdir()

    assert refusal(site) == "hostfit.toml: must be readable, found EISDIR"


def test_file_in_place_of_a_directory_is_refused(site):
    site.write("conf.d", "")

    assert refusal(site) == "conf.d: required a readable directory, found ENOTDIR"


def test_file_that_never_ends_is_refused(site):
    site.write("hostfit.toml", "#" * (1 << 20) + "\n")

    assert refusal(site) == "hostfit.toml: must be readable, found EFBIG"


def test_policy_can_be_salvaged_for_break_glass_only_while_its_runtimes_are_certain(site):
    site.write("hostfit.toml", '[policy]\ndefault = "crun"\non_misfit = "x"\n')
    with pytest.raises(PolicyError) as knob:
        load.load(site.paths)
    site.write("hostfit.toml", '[policy]\ndefault = "crum"\n')
    with pytest.raises(PolicyError) as default:
        load.load(site.paths)
    site.write("hostfit.toml", "[policy")
    with pytest.raises(PolicyError) as syntax:
        load.load(site.paths)

    assert knob.value.salvaged.defaults == ("crun",)
    assert default.value.salvaged is None
    assert syntax.value.salvaged is None


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_break_glass_file_of_root_counts(site, mode):
    assert not load.disabled(site.paths)

    site.write("disabled", "").chmod(mode)

    assert load.disabled(site.paths)


def test_break_glass_file_that_anybody_could_have_made_does_not_count(site):
    site.write("disabled", "").chmod(0o666)

    assert not load.disabled(site.paths)


def test_summary_says_what_holds(site):
    site.write("hostfit.toml", '[policy]\non_misfit = "warn"\n')

    assert load.load(site.paths).summary() == (
        f"files: {site.etc}/hostfit.toml",
        "default runtime: runc or crun",
        "on_misfit = warn, on_unknown = warn, on_unsynced = warn, on_error = deny",
        "runtimes: crun, crun-wasm, kata, nvidia, runc, runsc, wamr, wasmedge, wasmer, wasmtime",
        "0 scopes, 0 files of images.d",
    )
