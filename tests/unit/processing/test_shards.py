"""A job on several hosts: each does its share, whatever the share is, and says so."""

import json

import pytest

from default_job import Job, json_lines

A, NO_TEXT = json_lines({"text": "a"}), json_lines({"colour": "red"})


def configure(opt_ml, name, names, distribution):
    """Write what SageMaker tells a host of its job."""
    (opt_ml / "config").mkdir(parents=True)
    hosts = {"current_host": name, "hosts": names}
    (opt_ml / "config/resourceconfig.json").write_text(json.dumps(hosts))
    local = "/opt/ml/processing/input/messages"
    source = {"LocalPath": local, "S3DataDistributionType": distribution}
    inputs = {"ProcessingInputs": [{"S3Input": source}]}
    (opt_ml / "config/processingjobconfig.json").write_text(json.dumps(inputs))


def job_of(root, *shares, distribution="ShardedByS3Key"):
    """A job whose hosts have these files, each an /opt/ml of its own; one output for all."""
    names = [f"algo-{number}" for number in range(1, len(shares) + 1)]
    jobs = []
    for name, files in zip(names, shares, strict=True):
        configure(root / name, name, names, distribution)
        jobs.append(Job(root / name, root / "output", name))
        for file, data in files.items():
            jobs[-1].give(file, data)
    return jobs


@pytest.mark.parametrize(
    ("shares", "distribution"),
    [
        ([{"a.jsonl": A}, {}], "ShardedByS3Key"),
        ([{"a.jsonl": A}, {"a.jsonl": A}], "FullyReplicated"),
    ],
)
def test_a_host_that_got_no_object_succeeds_with_a_summary_and_no_part(
    tmp_path, shares, distribution
):
    first, second = (job.run() for job in job_of(tmp_path, *shares, distribution=distribution))

    assert (first.code, first.texts, second.code) == (0, ["a"], 0)
    assert (second.counts, second.summary["files"], second.parts) == ((0, 0, 0, 0, 0), [], [])
    assert "algo-2 got no file: 2 hosts share the run's objects" in str(second.log)
    assert "got no file" not in str(first.log)


def test_an_input_that_is_not_the_jobs_is_not_taken_for_a_host_without_objects(tmp_path):
    """A mistaken --input would otherwise succeed on every host, with nothing done."""
    job, _ = job_of(tmp_path, {}, {})
    job.input = job.input.with_name("mistaken")

    assert "is not a folder" in job.run().message


def test_a_host_whose_files_are_all_unusable_does_not_fail_the_others_work(tmp_path):
    unusable = {"b.jsonl": NO_TEXT, "d.jsonl": NO_TEXT}
    first, second = (job.run() for job in job_of(tmp_path, {"a.jsonl": A}, unusable))

    assert (first.code, second.code) == (0, 0)
    problem = second.summary["problem"]
    assert problem.startswith("no file could be used: b.jsonl: no text column: it has 'colour'")
    assert problem.endswith("(and 1 more, see rejected-algo-2.jsonl)")
    # SageMaker strings the hosts' messages together.
    assert second.message == f"algo-2: {problem}\n"
    assert "problem" not in first.summary
    assert first.texts == ["a"]


def test_hosts_together_have_one_machines_rows_but_for_duplicates_across_them(tmp_path):
    rows = ({"from": "ada", "text": "b"}, {"text": "a"}, {"text": "a"}, {"text": ""})
    lines = json_lines(*rows) + b"broken\n"
    alone = Job(tmp_path / "alone").give("a.jsonl", lines).give("b.jsonl", lines).run()
    results = [job.run() for job in job_of(tmp_path, {"a.jsonl": lines}, {"b.jsonl": lines})]

    assert alone.counts == (10, 2, 4, 2, 2)
    said = {"host": "algo-2", "hosts": ["algo-1", "algo-2"], "duplicates_within": "shard"}
    assert said.items() <= results[1].summary.items()
    assert not {*said, "problem"} & {*alone.summary}
    for result in results:
        assert result.counts == (5, 2, 1, 1, 1)
        assert result.frame.sort("text").equals(alone.frame.sort("text"))
    names = ["part-{}-00000.parquet", "rejected-{}.jsonl", "summary-{}.json"]
    expected = {name.format(host) for name in names for host in said["hosts"]}
    assert {path.name for path in (tmp_path / "output").iterdir()} == expected
