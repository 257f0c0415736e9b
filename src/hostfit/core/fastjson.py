"""Strict JSON without the cost of the json package: CPython's own scanner accepts, the json package explains."""

from __future__ import annotations

from hostfit.core import limits
from hostfit.core.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_json: ModuleType | None
try:
    import _json
except ImportError:  # another interpreter than CPython: the json package does everything
    _json = None

_SPACE = " \t\n\r"


class _RefusedError(ValueError):
    """JSON that the json package would take and we do not; the message says why."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError("key " + quoted(key) + " is there twice")
            seen.add(key)
    return made


def _float(text: str) -> float:
    number = float(text)
    if number - number != 0.0:
        raise _RefusedError("number " + quoted(text, 40) + " is out of range")
    return number


def _constant(text: str) -> Any:
    raise _RefusedError(text + " is no JSON number")


class _Context:
    """What the scanner takes from a json.JSONDecoder; used as a class, so that the functions stay functions."""

    strict = True
    object_hook = None
    object_pairs_hook = _object
    parse_float = _float
    parse_int = int
    parse_constant = _constant


_scan: Any = None if _json is None else _json.make_scanner(_Context)
_quote: Any = None if _json is None else _json.encode_basestring_ascii


def loads(data: bytes, *, what: str, cap: int = limits.DOCUMENT) -> Any:
    """Parse one JSON document (RFC 8259) of at most `cap` bytes.

    Refused beyond what json.loads refuses: duplicate keys, NaN and Infinity, numbers that overflow, more than
    limits.DEPTH levels, lone surrogates, anything but UTF-8. Raises ValueError with the line "WHAT: REASON".
    """
    if len(data) > cap:
        raise ValueError(f"{what}: must be at most {cap} bytes, found {len(data)}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what}: not valid UTF-8 at byte {error.start}") from None
    try:
        value, end = _scan(text, len(text) - len(text.lstrip(_SPACE)))
        complete = not text[end:].strip(_SPACE)
    except Exception:  # noqa: BLE001 - this scanner raises SystemError, StopIteration and more: the json package decides
        complete = False
    if not complete:
        value = _slowly(text, what)
    if data.count(b"[") + data.count(b"{") > limits.DEPTH and _deeper(value, limits.DEPTH):
        raise ValueError(f"{what}: must have at most {limits.DEPTH} levels")
    if b"\\u" in data and _surrogates(value):
        raise ValueError(f"{what}: not valid Unicode: lone surrogate in a text")
    return value


def _slowly(text: str, what: str) -> Any:
    """Parse again with the json package, for its verdict and the place of the mistake."""
    import json  # only for documents that the scanner did not take

    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_int=int, parse_constant=_constant)
    except json.JSONDecodeError as error:
        reason = error.msg[:1].lower() + error.msg[1:]
        raise ValueError(f"{what}: not valid JSON: {reason} at line {error.lineno} column {error.colno}") from None
    except _RefusedError as error:
        raise ValueError(f"{what}: {error}") from None
    except RecursionError:
        raise ValueError(f"{what}: must have at most {limits.DEPTH} levels") from None
    except ValueError:
        # Python refuses to convert integers of more than 4300 digits.
        raise ValueError(f"{what}: a number has too many digits") from None


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested more than `levels` deep."""
    level = [value]
    for _ in range(levels):
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                below.extend(node.values())
            elif type(node) is list:
                below.extend(node)
        if not below:
            return False
        level = below
    return any([type(node) is dict or type(node) is list for node in level])


def _surrogates(value: Any) -> bool:
    """Whether any key or text cannot be written as UTF-8."""
    todo = [value]
    while todo:
        node = todo.pop()
        if type(node) is dict:
            todo.extend(node)
            todo.extend(node.values())
        elif type(node) is list:
            todo.extend(node)
        elif type(node) is str and not node.isascii():
            try:
                node.encode()
            except UnicodeEncodeError:
                return True
    return False


def dumps(value: Any) -> str:
    """Write plain values (None, bool, int, float, str, list, tuple, dict with text keys) as compact ASCII JSON.

    Raises TypeError for any other type and ValueError for NaN and Infinity.
    """
    if _json is None:
        import json  # only on interpreters without the C module

        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    # The encoder of the json package: no look-out for circles, no indent, no order of keys, no keys but text.
    write = _json.make_encoder(None, _no_form, _quote, None, ":", ",", False, False, False)
    return "".join(write(value, 0))


def _no_form(value: Any) -> Any:
    raise TypeError(f"no JSON form for {type(value).__name__}")
