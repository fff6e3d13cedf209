"""Events as they were put, to the targets of rules.

moto writes an event into a text template before it gives it to a target: ``account`` gets lost, and
a text within the event that looks like ``<id>`` is replaced. EventBridge delivers the event itself
when the target has no input transformer.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.events.utils import EventTemplateParser

from landrun_ops.local.patches import Patches

_MOTOS_OWN = "ingestion-time"


def adapt(patches: Patches) -> None:
    """Let targets without an input transformer have the event itself."""
    transform = EventTemplateParser.parse

    def parse(input_template: str | None, input_paths_map: dict[str, Any], event: Any) -> Any:
        if input_template or input_paths_map:
            return transform(input_template, input_paths_map, event)
        return copy.deepcopy({key: value for key, value in event.items() if key != _MOTOS_OWN})

    patches.set(EventTemplateParser, "parse", staticmethod(parse))
