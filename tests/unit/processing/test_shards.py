"""A job on several hosts: each does its share, whatever the share is, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import preprocess
from here import Here
from messages.host import Host, this_host

ROOT = Path(__file__).resolve().parents[3]
SMS = ROOT.parent / "shared/data/sms"
SAMPLES = ROOT / "samples"
COUNTS = ("rows_in", "rows_out", "duplicates", "empty", "rejected")
LOCAL_PATH = "/opt/ml/processing/input/messages"
Files = dict[str, bytes]
ROW = ["sender", "sent_at", "text"]
NO_TEXT = b'{"colour": "red"}\n'


@dataclass
class Hosts:
    """A job's hosts, one after the other, each with an /opt/ml of its own; one output for all."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    names: tuple[str, ...] = ("algo-1", "algo-2")
    distribution: str = "ShardedByS3Key"
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def output(self) -> Path:
        return self.root / "output"

    def opt_ml(self, host: str) -> Path:
        return self.root / host / "ml"

    def folder(self, host: str) -> Path:
        return self.opt_ml(host) / "processing/input/messages"

    def give(self, host: str, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            path = self.folder(host) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def deal(self, files: Mapping[str, bytes]) -> None:
        """Divide files as the distribution has it."""
        for index, host in enumerate(self.names):
            keys = sorted(files)
            mine = keys[index :: len(self.names)] if self.sharded else keys
            self.give(host, {key: files[key] for key in mine})

    @property
    def sharded(self) -> bool:
        return self.distribution == "ShardedByS3Key"

    def run(self) -> None:
        for host in self.names:
            with self._on(host):
                folders = ["--input", str(self.folder(host)), "--output", str(self.output)]
                self.codes[host] = preprocess.main(folders)

    @contextmanager
    def _on(self, host: str) -> Iterator[None]:
        config = self.opt_ml(host) / "config"
        config.mkdir(parents=True, exist_ok=True)
        given = {"LocalPath": LOCAL_PATH, "S3DataDistributionType": self.distribution}
        job = {"ProcessingInputs": [{"S3Input": given}]}
        (config / "processingjobconfig.json").write_text(json.dumps(job))
        hosts = {"current_host": host, "hosts": list(self.names)}
        (config / "resourceconfig.json").write_text(json.dumps(hosts))
        with self.monkeypatch.context() as patched:
            patched.setenv("LANDRUN_OPT_ML", str(self.opt_ml(host)))
            patched.setattr("preprocess.signal.signal", lambda *_: None)
            patched.setattr("preprocess.Workers", Here)
            yield

    def summary(self, host: str) -> dict[str, Any]:
        return json.loads((self.output / f"summary-{host}.json").read_bytes())

    def total(self, count: str) -> int:
        return sum(self.summary(host)[count] for host in self.names)

    def message(self, host: str) -> str:
        path = self.opt_ml(host) / "output/message"
        return path.read_text() if path.exists() else ""

    def rows(self) -> pl.DataFrame:
        """All rows of all parts, as far as duplicates are told by it, in their order."""
        found = [pl.read_parquet(path, columns=ROW) for path in self.output.glob("part-*.parquet")]
        return pl.concat(found).sort(ROW, nulls_last=True)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    return Hosts(tmp_path, monkeypatch)


def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, bytes]) -> Hosts:
    """The same files on one machine: a job of one host is as if nothing were said of hosts."""
    one = Hosts(tmp_path / "alone", monkeypatch, ("algo-1",))
    one.deal(files)
    one.run()
    assert one.codes == {"algo-1": 0}
    return one


def lines(*texts: str, sender: str = "ada") -> bytes:
    return b"".join(json.dumps({"from": sender, "text": t}).encode() + b"\n" for t in texts)


def sms() -> Files:
    """Real messages, landed in seven files: what many people send is in several of them."""
    source = SMS / "SMSSpamCollection.tsv"
    if not source.is_file():
        pytest.skip("real messages (shared/data/sms) are not here")
    header, *rows = source.read_bytes().splitlines(keepends=True)
    return {f"day-{day}.tsv": header + b"".join(rows[day::7]) for day in range(7)}


def test_what_hosts_write_has_their_names_so_that_none_overwrites_another(hosts: Hosts) -> None:
    hosts.deal({"a.jsonl": lines("a"), "b.jsonl": lines("b")})
    hosts.run()

    assert sorted(path.name for path in hosts.output.iterdir()) == [
        "part-algo-1-00000.parquet",
        "part-algo-2-00000.parquet",
        "rejected-algo-1.jsonl",
        "rejected-algo-2.jsonl",
        "summary-algo-1.json",
        "summary-algo-2.json",
    ]


def test_a_summary_of_one_of_several_hosts_says_which_and_how_far_duplicates_were_seen(
    hosts: Hosts,
) -> None:
    hosts.deal({"a.jsonl": lines("a"), "b.jsonl": lines("b")})
    hosts.run()

    said = {name: hosts.summary("algo-2")[name] for name in ("host", "hosts", "duplicates_within")}
    assert said == {"host": "algo-2", "hosts": ["algo-1", "algo-2"], "duplicates_within": "shard"}


def test_a_summary_of_one_machine_says_nothing_of_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = alone(tmp_path, monkeypatch, {"a.jsonl": lines("a")})
    summary = json.loads((one.output / "summary.json").read_bytes())

    assert not {"host", "hosts", "duplicates_within", "problem"} & set(summary)


@pytest.mark.parametrize("made", [True, False], ids=["an empty folder", "no folder at all"])
def test_a_host_that_got_no_object_succeeds_with_a_summary_and_no_part(
    hosts: Hosts, caplog: pytest.LogCaptureFixture, *, made: bool
) -> None:
    hosts.deal({"a.jsonl": lines("a")})
    if made:
        hosts.folder("algo-2").mkdir(parents=True)
    hosts.run()

    assert hosts.codes == {"algo-1": 0, "algo-2": 0}
    summary = hosts.summary("algo-2")
    assert [summary[name] for name in (*COUNTS, "files", "parts")] == [0, 0, 0, 0, 0, [], []]
    assert not list(hosts.output.glob("part-algo-2-*"))
    assert (hosts.output / "rejected-algo-2.jsonl").read_bytes() == b""
    assert "algo-2 got no file: 2 hosts share the run's objects" in caplog.text
    assert "Engine=spark" in caplog.text
    assert "algo-1 got no file" not in caplog.text


def test_hosts_that_have_all_files_share_them_and_some_may_find_none_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = ("algo-1", "algo-2", "algo-3")
    hosts = Hosts(tmp_path, monkeypatch, three, "FullyReplicated")
    hosts.deal({"a.jsonl": lines("a"), "b.jsonl": lines("b")})
    hosts.run()

    assert hosts.codes == dict.fromkeys(three, 0)
    files = [[file["name"] for file in hosts.summary(host)["files"]] for host in three]
    assert files == [["a.jsonl"], ["b.jsonl"], []]
    assert hosts.rows()["text"].to_list() == ["a", "b"]


def test_ten_hosts_and_more_are_counted_as_people_count_them(tmp_path: Path) -> None:
    names = [f"algo-{number}" for number in range(1, 13)]
    config = tmp_path / "config"
    config.mkdir()
    told = {"current_host": "algo-10", "hosts": sorted(names)}
    (config / "resourceconfig.json").write_text(json.dumps(told))

    assert this_host(tmp_path, tmp_path) == Host("algo-10", tuple(names), shares=True)
    assert this_host(tmp_path, tmp_path).index == 9


@pytest.mark.parametrize("shared", [True, False], ids=["all files everywhere", "wrong folder"])
def test_an_input_that_is_not_the_jobs_is_not_taken_for_a_host_without_objects(
    hosts: Hosts, *, shared: bool
) -> None:
    """A mistaken --input would otherwise succeed on every host, with nothing done."""
    hosts.distribution = "FullyReplicated" if shared else "ShardedByS3Key"
    argument = hosts.folder("algo-1") if shared else hosts.root / "mistaken"
    with hosts._on("algo-1"):
        code = preprocess.main(["--input", str(argument), "--output", str(hosts.output)])

    assert code == 1
    assert "is not a folder" in hosts.message("algo-1")


def test_a_host_whose_files_are_all_unusable_does_not_fail_the_others_work(
    hosts: Hosts, caplog: pytest.LogCaptureFixture
) -> None:
    hosts.deal({"a.jsonl": lines("a"), "b.jsonl": NO_TEXT, "d.jsonl": NO_TEXT})
    hosts.give("algo-1", {"c.jsonl": lines("c")})
    (hosts.folder("algo-1") / "d.jsonl").rename(hosts.folder("algo-2") / "d.jsonl")
    hosts.run()

    assert hosts.codes == {"algo-1": 0, "algo-2": 0}
    problem = "no file could be used: b.jsonl: no text column: it has 'colour'"
    assert hosts.summary("algo-2")["problem"].startswith(problem)
    assert hosts.summary("algo-2")["problem"].endswith("(and 1 more, see rejected-algo-2.jsonl)")
    assert hosts.message("algo-2").startswith(f"algo-2: {problem}")
    assert hosts.message("algo-2").endswith("\n")  # SageMaker strings the hosts' messages together
    assert f"algo-2: {problem}" in caplog.text
    assert "problem" not in hosts.summary("algo-1")
    assert hosts.rows()["text"].to_list() == ["a", "c"]


def test_duplicates_are_dropped_within_a_shard_and_kept_across_shards(hosts: Hosts) -> None:
    hosts.give("algo-1", {"a.jsonl": lines("hi", "hi", "one")})
    hosts.give("algo-2", {"b.jsonl": lines("hi", "two", "two")})
    hosts.run()

    assert [hosts.summary(host)["duplicates"] for host in hosts.names] == [1, 1]
    assert hosts.rows()["text"].to_list() == ["hi", "hi", "one", "two"]


def counts_of(one: Hosts) -> dict[str, int]:
    summary = json.loads((one.output / "summary.json").read_bytes())
    return {name: summary[name] for name in COUNTS}


def samples() -> Files:
    files = [path for path in SAMPLES.iterdir() if path.name != "README.md"]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("given", [sms, samples], ids=["real messages", "samples"])
def test_shards_together_have_one_machines_rows_but_for_duplicates_across_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Callable[[], Files], count: int
) -> None:
    """All counts but that of duplicates are alike, and what it lacks are rows that are left."""
    # Given files on one machine, and on several that share them
    files = given()
    names = tuple(f"algo-{number}" for number in range(1, count + 1))
    hosts = Hosts(tmp_path, monkeypatch, names)
    hosts.deal(files)
    # When they run
    hosts.run()
    # Then each shard is what one machine makes of those files
    for host in names:
        shard = {n: files[n] for n in sorted(files)[names.index(host) :: count]}
        expected = counts_of(alone(tmp_path / f"only-{host}", monkeypatch, shard))
        assert {name: hosts.summary(host)[name] for name in COUNTS} == expected
    # And together they are the whole, but for what is a duplicate across shards
    one = alone(tmp_path, monkeypatch, files)
    whole = counts_of(one)
    assert [hosts.total(n) for n in ("rows_in", "empty", "rejected")] == [
        whole[n] for n in ("rows_in", "empty", "rejected")
    ]
    across = whole["duplicates"] - hosts.total("duplicates")
    assert across > 0 or given is samples
    assert hosts.total("rows_out") == whole["rows_out"] + across == hosts.rows().height
    assert hosts.rows().unique(maintain_order=True).equals(one.rows())


def test_the_same_messages_landed_twice_are_kept_once_per_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case above with duplicates across shards for certain, real messages again."""
    name, body = next(iter(sms().items()))
    one = alone(tmp_path, monkeypatch, {name: body})
    hosts = Hosts(tmp_path, monkeypatch)
    hosts.give("algo-1", {name: body})
    hosts.give("algo-2", {name: body})
    hosts.run()

    assert hosts.total("rows_out") == 2 * counts_of(one)["rows_out"]
    assert hosts.rows().unique().height == one.rows().unique().height
