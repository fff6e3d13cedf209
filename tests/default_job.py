"""The default job run in this process: files in, and what must hold of whatever a run leaves."""

import bz2
import gzip
import io
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest import mock

import polars as pl
import zstandard

import preprocess
from messages.guard import answer

COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress, ".bz2": bz2.compress}
# What functions keep of a summary in a run's record, once its list of files is left out.
RECORD_BYTES = 32_768
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def json_lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(rows, **how):
    """Write rows, or columns by name, as a Parquet file."""
    data = io.BytesIO()
    pl.DataFrame(rows).write_parquet(data, **how)
    return data.getvalue()


class Here:
    """Stands in for `messages.guard.Workers`: nothing is forked and nothing is limited."""

    def __init__(self, count=1, memory=0):
        self.count = count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, calls):
        for place, call in enumerate(calls):
            returned = answer(call)
            if isinstance(returned, OSError):
                raise returned
            yield place, returned


@dataclass(frozen=True)
class Result:
    """What a run left; ``host`` names the one whose files are meant."""

    output: Path
    code: int = 0
    message: str = ""
    log: tuple[str, ...] = ()
    host: str = ""

    @property
    def suffix(self):
        return f"-{self.host}" if self.host else ""

    @cached_property
    def summary(self):
        return json.loads((self.output / f"summary{self.suffix}.json").read_bytes())

    @cached_property
    def rejected(self):
        lines = (self.output / f"rejected{self.suffix}.jsonl").read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def parts(self):
        return sorted(self.output.glob(f"part{self.suffix}-*.parquet"))

    @cached_property
    def frame(self):
        parts = [pl.read_parquet(part) for part in self.parts]
        return pl.concat(parts) if parts else pl.DataFrame()

    @property
    def counts(self):
        return tuple(self.summary[name] for name in COUNTS)

    @property
    def texts(self):
        return self.frame["text"].to_list()

    def file(self, name):
        return next(file for file in self.summary["files"] if file["name"] == name)

    def check(self):
        """Hold what must hold however a run ends."""
        assert self.code in (0, 1, 2)
        assert not self.message.startswith("unexpected "), self.message
        assert len(self.message.encode()) <= 1024
        for line in (self.message.removesuffix("\n"), *self.log):
            assert not UNPRINTABLE.search(line), line
            assert len(line) < 2000
        has_summary = (self.output / f"summary{self.suffix}.json").exists()
        says_problem = has_summary and "problem" in self.summary
        assert bool(self.message) == (self.code != 0 or says_problem)
        if has_summary:
            self._check_summary()
        return self

    def _check_summary(self):
        summary, files = self.summary, self.summary["files"]
        for counted in (summary, *files):
            assert counted["rows_in"] == sum(counted[name] for name in COUNTS[1:]), counted
        assert summary["rows_out"] == self.frame.height
        if not summary.get("files_omitted"):
            assert self.counts == tuple(sum(file[name] for file in files) for name in COUNTS)
        kept = {name: value for name, value in summary.items() if name != "files"}
        assert len(json.dumps(kept)) <= RECORD_BYTES
        strings = re.findall(r'"(?:[^"\\]|\\.)*"', json.dumps([summary, self.rejected]))
        for text in map(json.loads, strings):
            assert not UNPRINTABLE.search(text), text
            assert len(text) <= 1024


@dataclass
class Job:
    """The job on a folder that stands for /opt/ml; each run has an output of its own."""

    root: Path
    output: Path | None = None
    host: str = ""
    runs: int = 0

    def __post_init__(self):
        self.input = self.root / "processing/input/messages"
        self.input.mkdir(parents=True)

    def give(self, name, data):
        path = self.input / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return self

    def run(self, *arguments, workers=Here):
        self.runs += 1
        output = self.output or self.root / f"output-{self.runs}"
        message = self.root / "output/message"
        message.unlink(missing_ok=True)
        with (
            mock.patch.object(preprocess, "Workers", workers),
            mock.patch.object(preprocess.signal, "signal"),
            mock.patch.object(preprocess.log, "handle") as logged,
            mock.patch.dict("os.environ", LANDRUN_OPT_ML=str(self.root)),
        ):
            folders = ["--input", str(self.input), "--output", str(output)]
            code = preprocess.main([*folders, *arguments])
        lines = tuple(call.args[0].getMessage() for call in logged.call_args_list)
        said = message.read_bytes().decode() if message.exists() else ""
        return Result(output, code, said, lines, self.host).check()
