"""The metrics that the functions emit, found in the calls that emit them."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src" / "functions" / "landrun"


def emitted_metrics():
    """Return each metric's name and its dimension beside the service; an empty text without one."""
    return {
        metric
        for path in SOURCES.rglob("*.py")
        if path.stem != "observability"  # where the names are parameters
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for metric in _emitted_by(call)
    }


def _emitted_by(call):
    """Return the metrics of ``count(metrics, name)``, ``count_by(name, …)`` and ``add_metric``."""
    match call:
        case ast.Call(func=ast.Name("count"), args=[_, name, *_]):
            return {(text, "") for text in _texts(name)}
        case ast.Call(func=ast.Name("count_by"), args=[name, ast.Constant(str(dimension)), *_]):
            return {(text, dimension) for text in _texts(name)}
        case ast.Call(func=ast.Attribute(attr="add_metric")):
            [name] = call.args[:1] or [one.value for one in call.keywords if one.arg == "name"]
            return {(text, "") for text in _texts(name)}
    return set()


def _texts(node):
    """Return the texts that an expression may be: a literal, or a choice between two."""
    match node:
        case ast.Constant(str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return _texts(body) + _texts(orelse)
    raise AssertionError(f"the name of a metric must be a literal, not {ast.unparse(node)}")
