"""A state machine as a Mermaid diagram."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


def graph(definition: Mapping[str, Any]) -> str:
    """Draw a definition as a Mermaid state diagram, retries and failure paths included.

    Parameters
    ----------
    definition : mapping
        Amazon States Language.

    Returns
    -------
    str
        Mermaid's text, ending in a newline.
    """
    return "\n".join(["stateDiagram-v2", *_machine(definition, "", "    ")]) + "\n"


def _machine(machine: Mapping[str, Any], scope: str, indent: str) -> Iterator[str]:
    yield f"{indent}[*] --> {_id(scope, machine['StartAt'])}"
    for name, state in machine["States"].items():
        yield f"{indent}{_id(scope, name)}: {_text(name)}"
        yield from _inner(state, _id(scope, name), indent)
        for target, why in _arrows(state):
            goal = "[*]" if target is None else _id(scope, name if target == "" else target)
            yield f"{indent}{_id(scope, name)} --> {goal}{f': {why}' if why else ''}"


def _inner(state: Mapping[str, Any], state_id: str, indent: str) -> Iterator[str]:
    """Draw the machines inside a Parallel or Map state."""
    processor = state.get("ItemProcessor") or state.get("Iterator")
    inner = [*state.get("Branches", ()), *([processor] if processor else [])]
    if not inner:
        return
    yield f"{indent}state {state_id} {{"
    for number, machine in enumerate(inner):
        if number:
            yield f"{indent}    --"
        yield from _machine(machine, f"{state_id}_{number}_", indent + "    ")
    yield f"{indent}}}"


def _arrows(state: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Yield pairs of target and reason; the target is None at the end, and empty for a retry."""
    for retrier in state.get("Retry", ()):
        yield "", _text(f"{', '.join(retrier['ErrorEquals'])} (again {_times(retrier)})")
    for catcher in state.get("Catch", ()):
        yield catcher["Next"], _text(", ".join(catcher["ErrorEquals"]))
    for choice in state.get("Choices", ()):
        yield choice["Next"], _text(choice.get("Comment", "choice"))
    if "Default" in state:
        yield state["Default"], "otherwise"
    if "Next" in state:
        yield state["Next"], ""
    elif state.get("End") or state["Type"] in ("Succeed", "Fail"):
        yield None, "fails" if state["Type"] == "Fail" else ""


def _times(retrier: Mapping[str, Any]) -> str:
    attempts = retrier.get("MaxAttempts", 3)
    return "once" if attempts == 1 else f"up to {attempts} times"


def _id(scope: str, name: str) -> str:
    """Spell a name with what Mermaid takes in an identifier."""
    return scope + _UNSAFE.sub(lambda match: f"_{ord(match[0]):x}_", name.replace(" ", "_"))


def _text(text: str) -> str:
    # A colon or semicolon would end the label (Mermaid's state diagram syntax).
    return "".join({":": "#58;", ";": "#59;"}.get(character, character) for character in text)
