"""What was edited in a project since the laptop's AWS has deployed it."""

from pathlib import Path
from typing import Final

DEPLOYED: Final = ("template.yaml", "src/stacks/*", "src/statemachine/*", "src/functions/**/*.py")
"""Files that take effect at the next deployment; src/processing is read by each job."""


class Edits:
    """The deployed files of a project as they were when this was made."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._known = self._times()

    def new(self) -> list[str]:
        """Return the files that have been edited, made or deleted since the last call."""
        before, self._known = self._known, self._times()
        return sorted({path for path, _ in before ^ self._known})

    def _times(self) -> set[tuple[str, int]]:
        return {
            (str(path.relative_to(self._project)), path.stat().st_mtime_ns)
            for pattern in DEPLOYED
            for path in self._project.glob(pattern)
        }
