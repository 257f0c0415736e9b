"""The log of cold code, on standard error: structlog with one chain of processors.

Entry points that engines wait for never come here; their one entry per decision is written by
`hostfit.gate.journal`. structlog is imported at the first line that is really logged.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hostfit.core.text import escape

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_state = {"threshold": _LEVELS["warning"], "configured": 0}


def verbose() -> None:
    """Show what is read and decided, not only what went wrong."""
    _state["threshold"] = _LEVELS["debug"]


def log(level: str, event: str, **fields: object) -> None:
    """Log one event: a fixed text with key=value pairs. `level` is debug, info, warning or error."""
    if _LEVELS[level] < _state["threshold"]:
        return
    getattr(_logger(), level)(event, **fields)


def _logger() -> Any:
    """Give structlog's logger, configured once."""
    import structlog  # costs 100 ms, and most commands log nothing

    if not _state["configured"]:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                _escape_values,
                structlog.processors.KeyValueRenderer(key_order=["level", "event"], sort_keys=True, drop_missing=True),
            ],
            logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
            cache_logger_on_first_use=False,
        )
        _state["configured"] = 1
    return structlog.get_logger()


def _escape_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Values may come from an image: nothing of them reaches the terminal unescaped (security rule R15)."""
    return {key: escape(value) if isinstance(value, str) else value for key, value in event.items()}
