"""A use that has nothing to do with hosts: may this one layer be part of our images (TW4)?

Facts are whatever a program knows; here they are read from the layer's archive, and the features are the program's own.
"""

from __future__ import annotations

import io
import tarfile

import pytest

import hostfit

RULES = b"""
version: v1alpha1
compatibilities:
  - description: layers of our cluster's MPI images
    rules:
      - name: MPI of the cluster's ABI
        matchFeatures:
          - feature: layer.library
            matchExpressions:
              soname: {op: In, value: [libmpi.so.40]}
      - name: small enough for the image cache
        matchFeatures:
          - feature: layer.size
            matchExpressions:
              bytes: {op: Le, value: ["1000000"]}
      - name: nothing that runs as somebody else
        matchFeatures:
          - feature: layer.content
            matchExpressions:
              setuid: {op: DoesNotExist}
      - name: no whiteouts
        level: preferred
        matchFeatures:
          - feature: layer.content
            matchExpressions:
              whiteout: {op: DoesNotExist}
"""


def layer(**files):
    """Make a layer: modes by path."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path, mode in files.items():
            member = tarfile.TarInfo(path)
            member.mode = mode
            archive.addfile(member)
    return data.getvalue()


def facts_of(data):
    """Everything that the rules may ask of a layer, as plain values."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    names = [one.name.rpartition("/")[2] for one in members]
    content = {"setuid" for one in members if one.mode & 0o6000}
    content |= {"whiteout" for name in names if name.startswith(".wh.")}
    return {
        "layer.library": [{"soname": name} for name in names if ".so." in name],
        "layer.size": {"bytes": len(data)},
        "layer.content": content,
    }


MPI = {"usr/lib/libmpi.so.40": 0o755}


@pytest.mark.parametrize(
    ("files", "verdict", "preferred"),
    [
        (MPI, "fit", 1),
        (MPI | {"etc/.wh.motd": 0o644}, "fit", 0),
        ({"usr/lib/libmpi.so.12": 0o755}, "misfit", 1),
        (MPI | {"usr/bin/sudo": 0o4755}, "misfit", 1),
    ],
)
def test_a_layer_is_judged_by_rules_of_the_same_language(files, verdict, preferred):
    spec = hostfit.read_spec(RULES, place="layers.yaml")
    result = spec.evaluate(facts_of(layer(**files)))

    assert (result.verdict, result.sets[0].preferred) == (verdict, preferred)


def test_what_the_program_does_not_know_is_unknown():
    spec = hostfit.read_spec(RULES, place="layers.yaml")
    facts = facts_of(layer(**MPI)) | {"layer.size": hostfit.Unknown("not fetched")}

    assert spec.evaluate(facts).verdict == "unknown"
    del facts["layer.size"]
    assert spec.evaluate(facts).verdict == "unknown"
