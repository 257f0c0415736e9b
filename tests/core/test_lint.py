"""Warnings about what is valid and rarely meant."""

from __future__ import annotations

import pytest

from hostfit.core import lint
from hostfit.core.read import read_spec

NFD_EXAMPLE = """
version: v1alpha1
compatibilities:
- description: "A data plane with its driver"
  rules:
  - name: kernel
    matchFeatures:
    - feature: kernel.loadedmodule
      matchExpressions:
        vfio-pci: {op: Exists}
        ip_tables: {op: Exists}
  - name: processor
    matchAny:
    - matchFeatures:
      - feature: cpu.model
        matchExpressions: {vendor_id: {op: In, value: [Intel, AMD]}}
    - matchFeatures:
      - feature: cpu.cpuid
        matchName: {op: InRegexp, value: ["^AVX"]}
"""


def found(text, lookup):
    return [(one.path, one.message) for one in lint.warnings(read_spec(text, place="x"), lookup=lookup)]


def test_the_example_of_nfd_is_warned_about_vfio_pci_and_nothing_else(vocabulary):
    assert found(NFD_EXAMPLE, vocabulary) == [
        (
            "compatibilities[0].rules[0].matchFeatures[0]",
            (
                'module "vfio-pci" is written with a dash, which NFD never finds among loaded modules: the kernel '
                'lists it as "vfio_pci"; write that'
            ),
        )
    ]


def one_term(term, vocabulary, rule=""):
    text = f"version: v1alpha1\ncompatibilities: [{{rules: [{{name: r, matchFeatures: [{term}]{rule}}}]}}]"
    return [message for _, message in found(text, vocabulary)]


BACKPORTS = (
    "the rule tests the kernel's version only; distributions backport features and drivers, so ask for the module, the "
    "option or the system call itself where there is one"
)


@pytest.mark.parametrize(
    ("term", "messages"),
    [
        ("{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}", []),
        ('{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ["5.15"], type: version}}}', [BACKPORTS]),
        (
            '{feature: pci.device, matchExpressions: {vendor: {op: NotIn, value: ["10de"]}}}',
            ['"vendor" NotIn says that some device is not so, never that no device is so'],
        ),
        (
            "{feature: pci.device, matchExpressions: {sriov_totalvfs: {op: DoesNotExist}}}",
            ['"sriov_totalvfs" DoesNotExist says that some device is not so, never that no device is so'],
        ),
        (
            "{feature: pci.device}",
            ["pci.device matches here without a single device; write matchExpressions: {} for at least one"],
        ),
        ("{feature: pci.device, matchExpressions: {}}", []),
        (
            "{feature: os.glibc, matchExpressions: {}}",
            ["os.glibc matches here on every host that could be read, whatever it holds; name an element"],
        ),
        (
            "{feature: cpu.cpuid}",
            ["cpu.cpuid matches here on every host that could be read, whatever it holds; name an element"],
        ),
        ("{feature: cpu.cpuid, matchName: {op: In, value: [AVX2]}}", []),
        (
            '{feature: nvidia.gpu, matchExpressions: {count: {op: Ge, value: ["2"]}, model: {op: Exists}}}',
            ['nvidia.gpu never matches here: "count" is of the host and "model" of each device; write two terms'],
        ),
        (
            "{feature: cpu.cpuid, matchName: {op: NotIn, value: [AVX2]}}",
            ["matchName NotIn matches as soon as another name exists; it does not say that none is one of these"],
        ),
        ("{feature: cpu.cpuid, matchName: {op: DoesNotExist}}", ["matchName DoesNotExist never matches"]),
        (
            '{feature: cpu.cpuid, matchExpressions: {AVX2: {op: ""}}}',
            ['"AVX2" with the empty operator matches anything, even where it does not exist'],
        ),
        (
            "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: IsTrue}}}",
            ['"AVX2" of cpu.cpuid is a flag; IsTrue never matches, write Exists'],
        ),
        (
            '{feature: os.glibc, matchExpressions: {version: {op: Ge, value: ["2"]}}}',
            ['"version" of os.glibc is a version; add type: version'],
        ),
        (
            '{feature: cpu.model, matchExpressions: {family: {op: Ge, value: ["6"], type: version}}}',
            ['"family" of cpu.model is a number; leave out type: version'],
        ),
        (
            '{feature: pci.device, matchExpressions: {vendor: {op: Ge, value: ["6"]}}}',
            ['"vendor" of pci.device is hex and has no order'],
        ),
        (
            '{feature: pci.device, matchExpressions: {vendor: {op: In, value: ["0x10DE", "15b3"]}}}',
            ['"vendor" of pci.device is hex in lower case without 0x; write "10de"'],
        ),
        (
            "{feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [GenuineIntel, AMD]}}}",
            ['vendor_id is never "GenuineIntel"; write "Intel"'],
        ),
        (
            "{feature: kernel.module, matchExpressions: {name: {op: In, value: [nf-tables]}}}",
            [
                (
                    'module "nf-tables" is written with a dash, which NFD never finds among loaded modules: the '
                    'kernel lists it as "nf_tables"; write that'
                )
            ],
        ),
        ("{feature: no.such, matchExpressions: {x: {op: Exists}}}", []),
    ],
)
def test_terms(vocabulary, term, messages):
    assert one_term(term, vocabulary) == messages


def test_a_set_that_fits_every_host(vocabulary):
    term = "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}"
    assert one_term(term, vocabulary, ", level: preferred") == ["the set has no required rule, so it fits every host"]
    when = ", when: {matchFeatures: [{feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [AMD]}}}]}"
    assert one_term(term, vocabulary, when) == ["every required rule has a when; a host that none of them is for fits"]


def test_a_when_is_linted_too(vocabulary):
    term = "{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}}}"
    when = ", when: {matchFeatures: [{feature: cpu.model, matchExpressions: {vendor_id: {op: In, value: [amd]}}}]}"
    assert 'vendor_id is never "amd"; write "AMD"' in one_term(term, vocabulary, when)


def test_warnings_are_no_errors(vocabulary):
    assert {one.level for one in lint.warnings(read_spec(NFD_EXAMPLE, place="x"), lookup=vocabulary)} == {"warning"}
