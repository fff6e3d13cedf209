"""A job on several hosts: each does its share, whatever the share is, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from default_job import COUNTS, Job
from messages.host import Host, this_host

ROOT = Path(__file__).resolve().parents[3]
NO_TEXT = b'{"colour": "red"}\n'


class Hosts:
    """A job's hosts, one after the other, each with an /opt/ml of its own; one output for all."""

    def __init__(self, root, count=2, distribution="ShardedByS3Key"):
        self.output = root / "output"
        self.names = [f"algo-{number}" for number in range(1, count + 1)]
        self.jobs = {name: Job(root / name, self.output, name) for name in self.names}
        self.sharded = distribution == "ShardedByS3Key"
        local = "/opt/ml/processing/input/messages"
        source = {"LocalPath": local, "S3DataDistributionType": distribution}
        for name, job in self.jobs.items():
            config = job.root / "config"
            config.mkdir()
            hosts = {"current_host": name, "hosts": self.names}
            (config / "resourceconfig.json").write_text(json.dumps(hosts))
            inputs = {"ProcessingInputs": [{"S3Input": source}]}
            (config / "processingjobconfig.json").write_text(json.dumps(inputs))

    def give(self, files):
        """Divide files as S3 would."""
        for index, job in enumerate(self.jobs.values()):
            for name in sorted(files)[index :: len(self.names)] if self.sharded else files:
                job.give(name, files[name])
        return self

    def run(self):
        return [job.run() for job in self.jobs.values()]


def rows(output):
    """All rows of all parts, as far as duplicates agree in it, in their order."""
    identity = ["sender", "sent_at", "text"]
    found = [pl.read_parquet(path, columns=identity) for path in output.glob("part-*.parquet")]
    return pl.concat(found).sort(identity, nulls_last=True)


def lines(*texts):
    return b"".join(json.dumps({"from": "ada", "text": text}).encode() + b"\n" for text in texts)


@pytest.fixture
def hosts(tmp_path):
    return Hosts(tmp_path)


@pytest.mark.parametrize("made", [True, False], ids=["an empty folder", "no folder at all"])
def test_a_host_that_got_no_object_succeeds_with_a_summary_and_no_part(hosts, made):
    hosts.give({"a.jsonl": lines("a")})
    if not made:
        hosts.jobs["algo-2"].input.rmdir()
    first, second = hosts.run()

    assert (first.code, second.code) == (0, 0)
    assert (second.counts, second.summary["files"], second.parts) == ((0, 0, 0, 0, 0), [], [])
    [said] = [line for line in second.log if "got no file" in line]
    assert "algo-2 got no file: 2 hosts share the run's objects" in said
    assert "got no file" not in str(first.log)


def test_hosts_that_have_all_files_share_them_and_some_may_find_none_left(tmp_path):
    hosts = Hosts(tmp_path, 3, "FullyReplicated")
    results = hosts.give({"a.jsonl": lines("a"), "b.jsonl": lines("b")}).run()

    assert [result.code for result in results] == [0, 0, 0]
    files = [[file["name"] for file in result.summary["files"]] for result in results]
    assert files == [["a.jsonl"], ["b.jsonl"], []]
    assert rows(hosts.output)["text"].to_list() == ["a", "b"]


def test_ten_hosts_and_more_are_counted_as_people_count_them(tmp_path):
    names = [f"algo-{number}" for number in range(1, 13)]
    (tmp_path / "config").mkdir()
    given = {"current_host": "algo-10", "hosts": sorted(names)}
    (tmp_path / "config/resourceconfig.json").write_text(json.dumps(given))

    assert this_host(tmp_path, tmp_path) == Host("algo-10", tuple(names), shares=True)
    assert this_host(tmp_path, tmp_path).index == 9


@pytest.mark.parametrize("distribution", ["FullyReplicated", "ShardedByS3Key"])
def test_an_input_that_is_not_the_jobs_is_not_taken_for_a_host_without_objects(
    tmp_path, distribution
):
    """A mistaken --input would otherwise succeed on every host, with nothing done."""
    job = Hosts(tmp_path, 2, distribution).jobs["algo-1"]
    job.input.rmdir()
    if distribution == "ShardedByS3Key":
        job.input = tmp_path / "mistaken"

    result = job.run()

    assert result.code == 1
    assert "is not a folder" in result.message


def test_a_host_whose_files_are_all_unusable_does_not_fail_the_others_work(hosts):
    hosts.give({"a.jsonl": lines("a"), "b.jsonl": NO_TEXT, "c.jsonl": lines("c")})
    hosts.jobs["algo-2"].give("d.jsonl", NO_TEXT)
    first, second = hosts.run()

    assert (first.code, second.code) == (0, 0)
    problem = second.summary["problem"]
    assert problem.startswith("no file could be used: b.jsonl: no text column: it has 'colour'")
    assert problem.endswith("(and 1 more, see rejected-algo-2.jsonl)")
    # SageMaker strings the hosts' messages together.
    assert second.message == f"algo-2: {problem}\n"
    assert f"algo-2: {problem}" in second.log
    assert "problem" not in first.summary
    assert rows(hosts.output)["text"].to_list() == ["a", "c"]


def test_hosts_together_have_one_machines_rows_but_for_duplicates_across_them(hosts, tmp_path):
    found = [path for path in (ROOT / "samples").iterdir() if path.name != "README.md"]
    files = {path.name: path.read_bytes() for path in found}
    files |= {"again-1.jsonl": files["orders.jsonl"], "again-2.jsonl": files["orders.jsonl"]}
    alone = Job(tmp_path / "alone")
    for name, data in files.items():
        alone.give(name, data)
    one, results = alone.run(), hosts.give(files).run()

    total = {name: sum(result.summary[name] for result in results) for name in COUNTS}
    across = one.summary["duplicates"] - total["duplicates"]
    assert across > 0
    assert rows(hosts.output).height == total["rows_out"] == one.summary["rows_out"] + across
    assert rows(hosts.output).unique(maintain_order=True).equals(rows(one.output))
    for name in ("rows_in", "empty", "rejected"):
        assert total[name] == one.summary[name]
    said = {"host": "algo-2", "hosts": ["algo-1", "algo-2"], "duplicates_within": "shard"}
    assert said.items() <= results[1].summary.items()
    assert not {*said, "problem"} & {*one.summary}
    names = ["part-{}-00000.parquet", "rejected-{}.jsonl", "summary-{}.json"]
    expected = {name.format(host) for name in names for host in hosts.names}
    assert {path.name for path in hosts.output.iterdir()} == expected
