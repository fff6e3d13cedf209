"""A World for long random runs: the same each time, quick, and strict about how functions end."""

from __future__ import annotations

from typing import Any, Self

from moto.moto_api._internal import mock_random

from landrun.errors import LandrunError

from .faulty import Killed
from .world import Outcome, World


class StrictWorld(World):
    """Identifiers that moto makes follow a seed; an error that is not landrun's own is raised."""

    def __init__(self, start_on: str, seed: int = 0, **parameters: str) -> None:
        super().__init__(start_on, seed, **parameters)
        self.seed = seed

    def __enter__(self) -> Self:
        mock_random.seed(f"{self.start_on} {self.seed}")
        return super().__enter__()

    def invoke(self, function: str, event: dict[str, Any]) -> Outcome:
        """Invoke a function; a plain exception would be a fault in its code."""
        outcome = super().invoke(function, event)
        if not isinstance(outcome.error, (LandrunError, Killed, type(None))):
            raise outcome.error
        return outcome
