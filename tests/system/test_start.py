"""Containers start, or are refused with the reason, under every engine: runc, crun, Podman, containerd, Docker."""

from __future__ import annotations

import json

STARTED = "started in the container\n"


def gtp5g(way, container):
    """The line that refuses the image which needs the module gtp5g."""
    return (
        f"hostfit: {way.subject('module', container)} does not fit this host: kernel.loadedmodule gtp5g: "
        f"required present, found absent (hostfit why {way.known_as(container)})"
    )


def test_image_that_fits_starts_as_if_hostfit_were_not_there(way):
    without = way.start("fits", way.new(), hostfit=False)
    container = way.new()

    done = way.start("fits", container)

    assert (without.code, without.out) == (7, STARTED)
    assert done == without
    assert way.left(container) == []


def test_image_that_does_not_fit_is_refused_with_the_reason(way):
    container = way.new()

    done = way.start("module", container)

    assert done == way.refused(gtp5g(way, container))


def test_refused_container_leaves_nothing_behind(way, host):
    container = way.new()

    way.start("module", container)

    assert way.left(container) == []
    assert host.records() == []


def test_why_tells_the_whole_story_of_a_refusal(way, host):
    container = way.new()
    way.start("module", container)

    report = json.loads(host.hostfit("why", way.known_as(container), "--format", "json", check=True).out)

    assert (report["verdict"], report["action"], report["entry"]) == ("misfit", "deny", "runtime")
    assert report["line"] == gtp5g(way, container)
    (document,) = [one for one in report["documents"] if one["verdict"] == "misfit"]
    leaf = document["sets"][0]["rules"][0]["expressions"][0]
    assert (leaf["feature"], leaf["element"], leaf["observed"]) == ("kernel.loadedmodule", "gtp5g", "absent")


def test_refusal_is_one_entry_of_the_journal(way, journal):
    container = way.new()
    way.start("module", container)

    (entry,) = [one for one in journal.entries if one["MESSAGE"].startswith(gtp5g(way, container))]

    assert entry["HOSTFIT_VERDICT"] == "misfit"
    assert entry["HOSTFIT_CONTAINER_ID"].startswith(way.known_as(container))
    assert entry["SYSLOG_IDENTIFIER"] == "hostfit"
    assert len(entry["MESSAGE_ID"]) == 32


def test_requirement_that_hostfit_does_not_know_starts_with_a_warning_in_the_journal(way, journal):
    """SM2: a spec newer than hostfit stops nothing by itself."""
    without = way.start("newer", way.new(), hostfit=False)

    done = way.start("newer", way.new())

    assert done == without
    assert [entry["HOSTFIT_VERDICT"] for entry in journal.entries] == ["unknown"]


def test_policy_that_warns_lets_a_misfit_start_and_says_so(way, host, journal):
    host.policy('[policy]\non_misfit = "warn"\n')
    without = way.start("module", way.new(), hostfit=False)

    done = way.start("module", way.new())

    assert done == without
    (entry,) = journal.entries
    assert entry["HOSTFIT_VERDICT"] == "misfit"
    assert entry["MESSAGE"].startswith("hostfit: warning: ")


def test_break_glass_file_lifts_the_verdict_and_says_so(way, host, journal):
    host.write("disabled", "")

    done = way.start("module", way.new())

    assert (done.code, done.out) == (7, STARTED)
    (entry,) = journal.entries
    assert "break-glass" in entry["MESSAGE"]
