"""The job's surroundings: its hosts, how they share the input, and its memory."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


@dataclass(frozen=True)
class Host:
    """One of a job's instances: its name, and those of all.

    ``shares`` means that all hosts have all files, and each takes its share; otherwise each host
    has the files that SageMaker gave it, possibly none.
    """

    name: str = ""
    hosts: tuple[str, ...] = ("",)
    shares: bool = False

    @property
    def count(self) -> int:
        """The number of hosts."""
        return len(self.hosts)

    @property
    def index(self) -> int:
        """The position of this host, in an order that is the same on all hosts."""
        return self.hosts.index(self.name)

    @property
    def may_have_none(self) -> bool:
        """Whether this host may have no files: SageMaker distributes the objects."""
        return self.count > 1 and not self.shares

    def named(self, stem: str, suffix: str) -> str:
        """Name an output file so that hosts do not overwrite each other's.

        >>> second = Host("algo-2", ("algo-1", "algo-2"))
        >>> Host().named("summary", ".json"), second.named("summary", ".json")
        ('summary.json', 'summary-algo-2.json')
        """
        return f"{stem}-{self.name}{suffix}" if self.count > 1 else f"{stem}{suffix}"


def files_below(folder: Path) -> list[tuple[Path, str]]:
    """List the files below a folder, if there is one, in the order of their names there."""
    found = ((path, path.relative_to(folder).as_posix()) for path in folder.rglob("*"))
    return sorted((both for both in found if both[0].is_file()), key=itemgetter(1))


def this_host(opt_ml: Path, folder: Path) -> Host:
    """Read SageMaker's configuration of the hosts, if there is one.

    The configuration says for each input whether its ``folder`` is sharded or copied.
    """
    resources = _config(opt_ml, "resourceconfig")
    hosts = tuple(sorted(map(str, resources.get("hosts") or ())))
    current = str(resources.get("current_host"))
    if len(hosts) < 2 or current not in hosts:  # noqa: PLR2004
        return Host()
    return Host(current, hosts, shares=_copied(opt_ml, folder))


def _copied(opt_ml: Path, folder: Path) -> bool:
    """Return whether every host has every file: True unless the job's configuration denies it."""
    for given in job_config(opt_ml).get("ProcessingInputs") or []:
        s3 = given.get("S3Input") or {}
        if Path(s3.get("LocalPath") or "").name == folder.name:
            return bool(s3.get("S3DataDistributionType") != "ShardedByS3Key")
    return True


def job_config(opt_ml: Path) -> dict[str, Any]:
    """Read the job's configuration from SageMaker's file; empty if there is none."""
    return _config(opt_ml, "processingjobconfig")


def _config(opt_ml: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads((opt_ml / "config" / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


@contextmanager
def scratch_folder(opt_ml: Path) -> Iterator[Path]:
    """Yield a folder for staged rows: on SageMaker's volume, if there is one; not in the output."""
    volume = opt_ml / "processing"
    parent = volume if volume.is_dir() and os.access(volume, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=".landrun-", dir=parent) as folder:
        yield Path(folder)


def memory_mb() -> int:
    """Return the memory in MiB: the container's limit or, without one, the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *filter(None, map(_limit, _LIMITS))]) // 1024**2


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
