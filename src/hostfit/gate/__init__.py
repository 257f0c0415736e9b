"""One request to one decision and its report; used by every entry point."""
