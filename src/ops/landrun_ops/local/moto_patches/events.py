"""Patch of moto's EventBridge: delivers events unchanged, and by enabled rules only.

moto also delivers by disabled rules, and passes each event through a text template: ``account`` is
lost, and text such as ``<id>`` within the event is replaced. EventBridge delivers the event itself
when the target has no input transformer.
"""

import copy
from typing import Any

from moto.events.models import Rule
from moto.events.utils import EventTemplateParser

from landrun_ops.local.patches import Patches


def patch(patches: Patches) -> None:
    """Deliver events as EventBridge does."""
    transform, send = EventTemplateParser.parse, Rule.send_to_targets

    def parse(input_template: str | None, input_paths_map: dict[str, Any], event: Any) -> Any:
        if input_template or input_paths_map:
            return transform(input_template, input_paths_map, event)
        return copy.deepcopy({key: event[key] for key in event if key != "ingestion-time"})

    def send_to_targets(rule: Any, *args: Any, **kwargs: Any) -> None:
        if rule.state != "DISABLED":
            send(rule, *args, **kwargs)

    patches.set(EventTemplateParser, "parse", staticmethod(parse))
    patches.set(Rule, "send_to_targets", send_to_targets)
