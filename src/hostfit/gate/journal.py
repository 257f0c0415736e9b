"""One journal entry per decision, by journald's native protocol; syslog where there is no journald.

Source: systemd's "Native Journal Protocol": one datagram of fields to /run/systemd/journal/socket; what is too long for
one goes there as a sealed memory file. Nothing here ever waits: an entry that cannot be delivered at once is lost.
"""

from __future__ import annotations

import errno
import os
import time

from hostfit.core import fastjson
from hostfit.core.decision import ALLOW, DENY
from hostfit.core.results import FIT
from hostfit.core.text import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hostfit.core.decision import Decision
    from hostfit.core.paths import Paths
    from hostfit.gate.report import Report

JOURNAL = "/run/systemd/journal/socket"
SYSLOG = "/dev/log"
IDENTIFIER = "hostfit"
STARTED, REFUSED, WARNED, LIFTED, ERROR = "started", "refused", "warned", "lifted", "error"
MESSAGE_IDS = {
    STARTED: "0e9fec89207747adb9ef09f5201f6caf",
    REFUSED: "e216dd1b18564cedafa72832478adbdf",
    WARNED: "7d7de356d3314c20b256b651615e1169",
    LIFTED: "dc1ba3ae27ed4d54b204df2614e21f05",
    ERROR: "9ba11284f07949d195e649830817d3dc",
}
"""Each has an entry in hostfit.catalog, which `journalctl -x` shows."""
_PRIORITIES = {STARTED: 6, REFUSED: 3, WARNED: 4, LIFTED: 4, ERROR: 3}
"""syslog(3) levels: 3 error, 4 warning, 6 informational."""
_DAEMON = 3 << 3
"""The syslog facility of system daemons."""
_RULES = 16
_TRIES = 3
_PAUSE = 0.002
"""Seconds between tries where the receiver's queue is full."""
_SYSLOG_LINE = 1000


def send(
    report: Report, tree: dict[str, Any], _paths: Paths, *, text: str = "", journal: str = JOURNAL, syslog: str = SYSLOG
) -> bool:
    """Write the entry about a report: `tree` is its JSON form, empty where that is written already, as `text`.

    Gives whether it was delivered; raises nothing.
    """
    listed = fields(report, tree, text)
    try:
        if _deliver(journal, encode(listed)):
            return True
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ECONNREFUSED, errno.EACCES, errno.ENOTDIR):
            return False
    try:
        priority = _DAEMON | _PRIORITIES[kind(report)]
        message = f"<{priority}>{IDENTIFIER}[{os.getpid()}]: {report.line.removeprefix(IDENTIFIER + ': ')}"
        return _deliver(syslog, message.encode("ascii", "backslashreplace")[:_SYSLOG_LINE])
    except OSError:
        return False


def kind(report: Report) -> str:
    """Which of the five messages a report is."""
    decision = report.decision
    if decision.lifted:
        return LIFTED
    if decision.error:
        return ERROR
    return REFUSED if decision.action == DENY else STARTED if decision.action == ALLOW else WARNED


def fields(report: Report, tree: dict[str, Any], text: str = "") -> list[tuple[str, str]]:
    """Give the fields of the entry in order; a name may be there several times. Texts from outside are escaped."""
    decision, image, which = report.decision, report.resolution.image, kind(report)
    listed = [
        ("MESSAGE", report.line),
        ("MESSAGE_ID", MESSAGE_IDS[which]),
        ("PRIORITY", str(_PRIORITIES[which])),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("SYSLOG_PID", str(os.getpid())),
        ("HOSTFIT_VERDICT", decision.verdict),
        ("HOSTFIT_ACTION", decision.action),
        ("HOSTFIT_ENTRY", report.request.entry),
        ("HOSTFIT_IMAGE", escape(image.name, 512) if image is not None else ""),
        ("HOSTFIT_IMAGE_DIGEST", escape(image.digest) if image is not None else ""),
        ("HOSTFIT_CONTAINER_ID", escape(report.request.id, 1024)),
        ("HOSTFIT_NAMESPACE", escape(report.namespace)),
        ("HOSTFIT_RUNTIME", escape(decision.runtime)),
        ("HOSTFIT_LIFTED", "1" if decision.lifted else ""),
        ("HOSTFIT_ERROR", escape(decision.error, _SYSLOG_LINE)),
    ]
    listed += _decisive(decision)
    if tree or text:
        listed.append(("HOSTFIT_REPORT", text or fastjson.dumps(tree)))
    listed.append(("HOSTFIT_TRACEBACK", report.traceback))
    return [(name, value) for name, value in listed if value]


def _decisive(decision: Decision) -> list[tuple[str, str]]:
    """The document that made the decision, and the rules of it that do not hold."""
    if all([one.verdict == FIT for one in decision.judgements]):
        return []
    from hostfit.gate.leaves import decisive, explaining  # most containers fit

    one = decisive(decision)
    if one is None:
        return []
    rules = [leaf.rule.rule for leaf in explaining(one.result)] if one.result is not None else []
    names = list(dict.fromkeys([rule.name for rule in rules]))
    links = list(dict.fromkeys([rule.documentation for rule in rules]))
    return [
        ("HOSTFIT_DOCUMENT", escape(one.document.provenance.place, 512)),
        ("HOSTFIT_KNOB", one.knob),
        *[("HOSTFIT_RULE", escape(name)) for name in names[:_RULES]],
        *[("HOSTFIT_DOCUMENTATION", escape(link)) for link in links[:_RULES]],
    ]


def encode(listed: list[tuple[str, str]]) -> bytes:
    """Write fields as journald reads them: `NAME=value`, or with a length where the value has line feeds."""
    pieces = []
    for name, value in listed:
        data = value.encode("utf-8", "backslashreplace")
        if b"\n" in data:
            pieces.append(name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n")
        else:
            pieces.append(name.encode() + b"=" + data + b"\n")
    return b"".join(pieces)


def _deliver(path: str, data: bytes) -> bool:
    """Send one datagram without waiting. Raises OSError of the socket."""
    import _socket  # `hostfit check` renders reports and sends none

    kind_ = _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC | _socket.SOCK_NONBLOCK
    one = _socket.socket(_socket.AF_UNIX, kind_)
    try:
        for _ in range(_TRIES):
            try:
                one.sendto(data, path)
            except BlockingIOError:
                time.sleep(_PAUSE)
            except OSError as error:
                if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                    raise
                _deliver_file(one, path, data)
                return True
            else:
                return True
        return False
    finally:
        one.close()


def _deliver_file(one: Any, path: str, data: bytes) -> None:
    """Send a message that is too long for a datagram as a sealed memory file (SCM_RIGHTS, unix(7))."""
    import fcntl  # long reports are rare

    sol_socket, scm_rights = 1, 1
    fd = os.memfd_create("hostfit-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        # journald takes a memory file only when nobody can change it any more.
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        one.sendmsg([], [(sol_socket, scm_rights, fd.to_bytes(4, "little"))], 0, path)
    finally:
        os.close(fd)
