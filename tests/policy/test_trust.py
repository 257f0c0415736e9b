"""[signer.NAME], [[trust]] and [sync]: read strictly, the most specific table counts alone (SEC1, SEC4)."""

from __future__ import annotations

import pytest

from hostfit.core.errors import PolicyError
from hostfit.policy import compiled, load, read
from hostfit.policy.trust import Signer

SIGNER = """
[signer.free5gc]
verify = ["/usr/bin/cosign", "verify", "--key", "/etc/hostfit/free5gc.pub", "{reference}"]
"""


def test_all_of_it(site):
    site.write(
        "hostfit.toml",
        SIGNER
        + """
environment = ["COSIGN_EXPERIMENTAL=0"]
timeout = 10

[[trust]]
repository = "registry.example/*"
unsigned = "ignore"

[[trust]]
repository = "registry.example/free5gc/*"
signers = ["free5gc"]

[sync]
registries = ["quay.io"]
""",
    )
    trust = read.read(site.paths).trust

    deep, high = trust.of("registry.example/free5gc/upf"), trust.of("registry.example/other")
    assert [one.name for one in deep.signers] == ["free5gc"]
    assert (deep.unsigned, high.unsigned, high.signers) == ("", "ignore", ())
    assert deep.signers[0].verify[-1] == "{reference}"
    assert (deep.signers[0].environment, deep.signers[0].timeout) == (("COSIGN_EXPERIMENTAL=0",), 10)
    nowhere = trust.of("docker.io/library/busybox")
    assert (nowhere.unsigned, nowhere.signers) == ("", ())
    assert trust.follows("registry.example", "registry.example")
    assert trust.follows("quay.io", "registry.example")
    assert not trust.follows("evil.example", "registry.example")


def test_a_later_file_changes_a_signer_key_by_key(site):
    site.write("hostfit.toml", SIGNER)
    site.write("conf.d/a.toml", '[signer.free5gc]\ntimeout = 5\n[[trust]]\nrepository = "*"\nsigners = "free5gc"\n')
    (signer,) = read.read(site.paths).trust.of("a/b").signers

    assert (signer.verify[0], signer.timeout) == ("/usr/bin/cosign", 5)


@pytest.mark.parametrize(
    ("words", "environment"),
    [(("--key", "{key}"), ()), (("--key={key}",), ()), ((), ("COSIGN_KEY={key}",))],
    ids=["argument", "option with =", "variable"],
)
def test_another_key_makes_another_signer(words, environment, tmp_path):
    """A key that was replaced where it lies must not speak through what it said."""
    program, key = tmp_path / "cosign", tmp_path / "key.pub"
    program.write_text("program")
    key.write_text("one")
    named, variables = ([one.replace("{key}", str(key)) for one in some] for some in (words, environment))
    signer = Signer("free5gc", (str(program), *named, str(tmp_path), "/nowhere", "{reference}"), tuple(variables))
    first = signer.mark
    program.write_text("upgraded")
    assert signer.mark == first
    key.write_text("two")
    assert signer.mark != first
    key.write_text("one")
    assert signer.mark == first


def test_no_configuration_trusts_nobody(site):
    assert load.load(site.paths).trust is None
    assert read.read(site.paths).trust.of("a/b").unsigned == ""


def test_the_compiled_form_has_none_of_it(site):
    """What an engine waits for never asks whom to trust: the store says who signed."""
    site.write("hostfit.toml", SIGNER)
    compiled.compile_policy(site.paths)

    assert compiled.load_compiled(site.paths).trust is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[signer.a]\n", "signer.a: required verify, found none"),
        ('[signer.a]\nverify = ["cosign", "{reference}"]\n', "signer.a.verify: required an absolute path"),
        ('[signer.a]\nverify = ["/bin/x"]\n', "and {reference} once among its arguments"),
        ('[signer.a]\nverify = ["/bin/x", "{reference}", "{reference}"]\n', "and {reference} once among"),
        ('[signer.a]\nverify = ["/bin/x", "--ref={reference}"]\n', "and {reference} once among its arguments"),
        ('[signer.a]\nverify = "/bin/x {reference}"\n', "and {reference} once among its arguments"),
        ('[signer."a b"]\nverify = ["/bin/x", "{reference}"]\n', "required a name of letters, digits and . _ + -"),
        ('[signer.a]\nverify = ["/bin/x", "{reference}"]\ntimeout = 601\n', "required a whole number from 0 to 600"),
        ('[signer.a]\nverify = ["/bin/x", "{reference}"]\nenvironment = ["X"]\n', "required NAME=VALUE"),
        ("[signer.a]\nverfy = []\n", "did you mean verify?"),
        ("signer = 1\n", "signer: required a table, found the number 1"),
        ('[trust]\nunsigned = "ignore"\n', "trust: required [[trust]] tables, found a table"),
        ('[[trust]]\nunsigned = "ignore"\n', "trust[0]: required repository, found none"),
        ('[[trust]]\nrepository = "*"\n', "trust[0]: required unsigned or signers, found neither"),
        ('[[trust]]\nrepository = "*"\nunsigned = "trust"\n', "required one of ignore, tighten, found"),
        ('[[trust]]\nrepository = "*"\nsigners = ["a"]\n', 'required a signer that is defined, found "a"'),
        ('[sync]\nregistrys = "a"\n', "did you mean registries?"),
        ("[sync]\nregistries = []\n", "required a list of texts, found an empty list"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(site, text, problem):
    file = site.write("hostfit.toml", text)
    with pytest.raises(PolicyError) as caught:
        read.read(site.paths)

    told = "\n".join(str(one) for one in caught.value.findings)
    assert problem in told
    assert str(file) in told
