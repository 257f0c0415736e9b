"""What YAML 1.1 makes of an unquoted scalar. Cold: only documents written in YAML get here.

Sources: yaml.org/type (int, float, bool, null, timestamp, merge, value) of YAML 1.1, and what NFD's reader
(sigs.k8s.io/yaml) writes when it turns such a value back into text.
"""

from __future__ import annotations

import re

from hostfit.core import limits
from hostfit.core.scalar import Coerced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BOOLEANS = {word: word in ("y", "yes", "true", "on") for word in ("y", "n", "yes", "no", "true", "false", "on", "off")}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})\Z")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,5})\.[0-9]{0,14}[1-9]\Z")
_SMALLEST = 1e-4
"""Below this NFD's reader writes an exponent; from seven digits before the point as well."""
_BASED = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+)\Z")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")
_NUMBER = re.compile(r"[-+]?(\.?[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?\Z", re.DOTALL)
_LONGEST = 64
"""No number that anybody means is longer; this also keeps the conversions below cheap."""


def plain(written: str) -> Any:
    """Give the value of an unquoted scalar: text, an integer, true or false, or `Coerced` where it is no longer itself.

    Integers and booleans are given as such only in the one form that reads the same when turned back into text.
    """
    if written in ("", "~", "null", "Null", "NULL"):
        return Coerced(written, "null")
    if written == "<<":
        return Coerced(written, "a merge key")
    if written == "=":
        return Coerced(written, "a default value key")
    if len(written) > _LONGEST:
        return Coerced(written, "a number") if _NUMBER.match(written) or _BASED.match(written) else written
    if written.lower() in _BOOLEANS and written in (written.lower(), written.upper(), written.capitalize()):
        value = _BOOLEANS[written.lower()]
        return value if written in ("true", "false") else Coerced(written, "true" if value else "false")
    if written[0] not in "+-.0123456789":
        return written
    if _INTEGER.match(written) and written != "-0":
        number = int(written)
        return number if -limits.INTEGER <= number < limits.INTEGER else Coerced(written, "a rounded number")
    if _FLOAT.match(written) and repr(float(written)) == written and abs(float(written)) >= _SMALLEST:
        return written
    becomes = _changed(written)
    return Coerced(written, becomes) if becomes else written


def _changed(written: str) -> str:
    """What a scalar that starts like a number becomes, or an empty text where it stays text."""
    if _BASED.match(written):
        return f"the number {_based(written)}"
    if _SEXAGESIMAL.match(written):
        return f"the number {_sexagesimal(written)} (base 60)"
    if _NUMBER.match(written):
        text = repr(float(written.replace("_", "")) + 0.0)
        return "the number " + text.removesuffix(".0")
    if _NOT_FINITE.match(written):
        return "no finite number"
    if _DATE.match(written):
        return "a date"
    return ""


def _based(written: str) -> int:
    digits = written.replace("_", "").lstrip("+-").lower()
    base = {"0b": 2, "0x": 16}.get(digits[:2], 8)
    number = int(digits.removeprefix("0b").removeprefix("0x").removeprefix("0o") or "0", base)
    return -number if written[0] == "-" else number


def _sexagesimal(written: str) -> str:
    total = 0.0
    for part in written.replace("_", "").lstrip("+-").split(":"):
        total = total * 60 + float(part or 0)
    return ("-" if written[0] == "-" else "") + repr(total).removesuffix(".0")
