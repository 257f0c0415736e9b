"""A pod's containers keep to what its sandbox runs on, though hostfitd may not read the records (SEC2)."""

from __future__ import annotations

import pytest

from hostfit.runtime import record
from hostfit.service import wire

from .conftest import Service, answering, run


@pytest.mark.parametrize(("recorded", "python"), [("same", 0), ("other", 1), ("none", 0), ("unreadable", 1)], ids=str)
def test_a_sandbox_on_another_runtime_is_left_to_python(place, probe, bundle, recorded, python):
    """The answer holds only where the sandbox's record leads to the same runtime, or there is none."""
    launcher = place.launcher(runtime=probe.path)
    if recorded != "none":
        runtime = str(probe.path) if recorded == "same" else "/usr/bin/other"
        record.save(place.paths, "/r", "s1", record.Record(runtime, str(bundle), 1, 1))
    if recorded == "unreadable":
        next(one for one in place.records if not one.is_symlink()).write_text("nothing")
    with Service(place, answering(wire.Answer(wire.START, runtime="probe", sandbox="s1"))):
        done = run(launcher, "--root=/r", "create", "--bundle", bundle, "c1")

    assert done.returncode == 37
    assert len(place.asked) == python
