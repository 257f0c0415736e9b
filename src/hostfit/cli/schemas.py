"""The published JSON Schemas (draft 2020-12), shipped as package data and checked with jsonschema."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def spec_schema_text() -> str:
    """The schema of compatibility specs."""
    return files("hostfit.core").joinpath("schema/spec-v1alpha1.schema.json").read_text(encoding="utf-8")


def report_schema_text() -> str:
    """The schema of the report that `hostfit check --format json` prints."""
    return schema_text("report-v1")


def schema_text(name: str) -> str:
    """The schema of what a command prints as JSON, by its name and version."""
    return files("hostfit.cli").joinpath(f"schema/{name}.schema.json").read_text(encoding="utf-8")


def schema_problems(tree: Any) -> tuple[str, ...]:
    """Say what the schema of specs finds wrong in a document; nothing if it is valid."""
    import jsonschema  # costs 100 ms

    validator = jsonschema.Draft202012Validator(json.loads(spec_schema_text()))
    return tuple([f"{error.json_path}: {error.message}" for error in validator.iter_errors(tree)])
