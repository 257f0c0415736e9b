"""Every finding of `hostfit doctor`: what it is called, what it means and what mends it. Man pages list this table."""

from __future__ import annotations

ERROR, WARNING, NOTE = "error", "warning", "note"
"""Containers start unchecked or cannot start; something is not as it looks; good to know."""


class Kind:
    """One thing that can be wrong; `meaning` and `fix` are plain sentences without their subject's name."""

    __slots__ = ("fix", "id", "meaning", "severity")

    def __init__(self, id: str, severity: str, meaning: str, fix: str) -> None:  # noqa: A002 - what it is called
        self.id = id
        self.severity = severity
        self.meaning = meaning
        self.fix = fix


_TABLE = """\
error program-missing
    a program of hostfit that an engine is told to run is not there
    install hostfit again, or run hostfit setup with --bin DIR
error program-unsafe
    somebody other than root could replace a program that engines run as root
    give it and every directory above it to root, writable by root alone
error directory-unsafe
    somebody other than root could write to hostfit's configuration or state
    give the directory to root, writable by root alone
error policy-invalid
    the configuration is not valid, so every container is refused
    correct what hostfit lint names
warning policy-not-compiled
    the configuration is parsed at every start, which is slow
    run hostfit lint as root
error no-runtime
    no default runtime of the policy is installed and safe to run, so containers are refused
    install the runtime, or name another as default in hostfit.toml
warning checks-disabled
    the break-glass file is there: verdicts are lifted for every container
    remove /etc/hostfit/disabled
warning disabled-ignored
    a break-glass file is there that counts for nothing, as others than root can write it
    remove the file, or give it to root
warning joined-stale
    joined code of another version or another Python lies beside the modules
    install hostfit again, or run python3 -m hostfit.runtime.join on its package
warning service-silent
    hostfitd is installed but does not answer, or is of another version, so each start decides in Python
    systemctl restart hostfitd
note store-unsynced
    no image was ever looked up in its registry: specs attached there are not known
    run hostfit sync
note no-journal
    neither journald nor syslog listens: refusals are kept for hostfit why alone
    start systemd-journald
note no-engine
    no container engine is installed
    install one, or name the host's root with --root
error not-set-up
    the engine never calls hostfit: its containers start unchecked
    run hostfit setup ENGINE --default
warning not-default
    only containers that ask for hostfit are checked
    run hostfit setup ENGINE --default
error overridden
    another file takes back what setup wrote
    remove the setting from that file, or run hostfit setup ENGINE again
warning setup-outdated
    setup would write its files otherwise now: what they were made from, or they, changed
    see hostfit setup ENGINE --dry-run, then run it without
error config-invalid
    a configuration file of the engine cannot be understood
    correct the file; the engine will not start with it
warning restart-needed
    the engine runs with the configuration from before the last change
    restart the engine; hostfit setup says how
warning other-config
    the engine was started with another configuration file than its usual one
    point the engine at its usual file, or add what hostfit setup writes to the other one
warning handler-bypasses
    a runtime that containers can ask for does not go through hostfit
    point the runtime at hostfit-runtime-NAME, or do not offer it
note runtime-changes
    the engine ran containers on another runtime than the one that hostfit hands over to
    name the engine's own as default in hostfit.toml, if it is to stay
note runtime-choice
    whoever may use Docker can name another of its runtimes, which does not go through hostfit
    trust them as you trust root, which they can become
warning platform-bypasses
    images of some platforms are given to a runtime that does not go through hostfit
    point the platform at hostfit-runtime
error hook-dropped
    the hook's program is not there: the engine drops the hook without a word
    install hostfit again, or run hostfit setup ENGINE --default
error hook-unread
    the hook's definition lies in a directory that the engine does not read
    add the directory to hooks_dir, or run hostfit setup ENGINE --default
error hook-masked
    a definition of the same name in a later directory takes the hook's place
    remove the other definition
error hook-invalid
    a hook definition cannot be understood: the engine starts no container, or does not start
    correct or remove the definition
error hook-stage
    the hook runs at another stage than createRuntime, where an image may influence it
    set stages to ["createRuntime"]
error hook-environment
    the hook has no environment of its own and may be given the image's
    run hostfit setup ENGINE --default, which writes env
warning hook-timeout
    the hook has no timeout, or one of more than ten seconds
    set timeout to 10
warning hook-condition
    the hook is only for some containers
    set when to {"always": true}
error hook-writable
    somebody other than root can write hooks, which run as root
    give the directory to root, writable by root alone
note crun-silent
    the hook is the only gate and crun drops what hooks say: the reason is in hostfit why alone
    run hostfit setup ENGINE --default, which uses hostfit-runtime
warning rootless-no-hooks
    Podman of ordinary users reads no hook directory unless hooks_dir names one
    run hostfit setup podman --default
warning rootless-overrides
    a user's own containers.conf takes the runtime or the hooks away
    remove the setting; the user may set it again, so enforce it elsewhere if that matters
note json-list
    Podman does not know that the runtime logs JSON and shows less of a reason
    run hostfit setup podman
warning runtime-root
    the runtime's state does not lie below /run: after a reboot it tells of containers that are gone
    set runtime_root below /run
error annotation-list
    allowed_annotations names an annotation that CRI-O does not know, so CRI-O refuses to start
    remove io.hostfit from allowed_annotations: CRI-O passes it on without
error flag-conflict
    dockerd is given its default runtime as a flag and by daemon.json, so it refuses to start
    take the flag away
note cri-disabled
    containerd's CRI plugin is disabled: there are no pods to check
    none needed
error import-missing
    containerd does not import the drop-in
    run hostfit setup containerd
error shim-options
    the handler has options, but not the type io.containerd.runc.v2 by which a shim of runc understands them
    run hostfit setup ENGINE
error containers-unchecked
    the handler calls the shim alone: from containerd 2 on it sees a pod's sandbox only
    set BinaryName to hostfit-runtime, or run hostfit setup ENGINE
error cgroup-driver
    the handler and runc's differ in SystemdCgroup: pods start in the wrong cgroups
    run hostfit setup ENGINE
note annotations-dropped
    pods' io.hostfit annotations are not passed on, so a deployer's requests do not count
    add "io.hostfit.*" to pod_annotations, or run hostfit setup ENGINE
note nri-plugins
    NRI plugins may change what a container asks for, its annotations and devices included
    trust them as you trust hostfit's configuration
"""
"""Of each: how bad and what it is called, what it means, what mends it."""


def _kinds(text: str) -> tuple[Kind, ...]:
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for head, meaning, fix in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        severity, _, name = head.partition(" ")
        found.append(Kind(name, severity, meaning, fix))
    return tuple(found)


KINDS = _kinds(_TABLE)
KNOWN = {one.id: one for one in KINDS}


class Finding:
    """One finding: its kind, the engine that it is about (empty: the installation), the subject and what was seen."""

    __slots__ = ("engine", "kind", "message", "subject")

    def __init__(self, kind: str, subject: str, message: str = "", *, engine: str = "") -> None:
        self.kind = KNOWN[kind]
        self.engine = engine
        self.subject = subject
        self.message = message or self.kind.meaning

    @property
    def fix(self) -> str:
        """What mends it, with the engine's name filled in."""
        return self.kind.fix.replace("ENGINE", self.engine or "ENGINE")
