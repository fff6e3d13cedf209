"""What SageMaker hands to the job, what the job leaves in S3, and what a person is shown."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from cluster import executors, manifest, store
from default_job import Result
from messages.options import JobError, Rules
from messages.tasks import Output

from .runs import OUT


def write(folder, **files):
    """Make a folder of JSON files."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def given(folder, **config):
    """A folder that stands for /opt/ml, with this job configuration in it."""
    return write(folder / "config", processingjobconfig=config).parent


def test_the_manifest_names_the_objects_by_their_paths_and_in_order(tmp_path):
    listed = [{"prefix": "s3://b/in/"}, "b.csv", "./a//x.csv", "b.csv"]
    folder = write(tmp_path / "m", run=listed)

    assert manifest.read_manifest(folder, tmp_path) == [
        manifest.Entry("s3://b/in/./a//x.csv", "a/x.csv"),
        manifest.Entry("s3://b/in/b.csv", "b.csv"),
    ]


def test_of_several_files_under_the_prefix_the_jobs_own_is_the_manifest(tmp_path):
    folder = write(tmp_path / "m", run=[{"prefix": "s3://b/"}, "a"], run2=[])
    source = {"S3Input": {"S3Uri": "s3://b/manifests/run.json"}}
    opt_ml = given(tmp_path / "opt", ProcessingInputs=[source])

    assert [one.name for one in manifest.read_manifest(folder, opt_ml)] == ["a"]


@pytest.mark.parametrize("content", [{}, [], ["a"], [{"prefix": "s3://b/"}], [{"prefix": "s"}, 1]])
def test_what_is_no_manifest_is_refused_by_name(tmp_path, content):
    with pytest.raises(JobError, match=r"run\.json"):
        manifest.read_manifest(write(tmp_path / "m", run=content), tmp_path)


def test_parts_go_where_sagemaker_would_upload_the_folder(tmp_path):
    folders = {"logs": "s3://b/l", "processed": "s3://b/p/run"}
    outputs = [
        {"S3Output": {"LocalPath": f"/opt/ml/processing/output/{name}", "S3Uri": uri}}
        for name, uri in folders.items()
    ]
    opt_ml = given(tmp_path, ProcessingOutputConfig={"Outputs": outputs, "KmsKeyId": "key"})

    assert manifest.output_uri(Path("/any/processed"), opt_ml) == ("s3://b/p/run/", "key")
    with pytest.raises(JobError, match="/any/other"):
        manifest.output_uri(Path("/any/other"), opt_ml)


def test_an_object_that_s3_refuses_is_named_in_one_line(runs):
    with pytest.raises(JobError, match=rf"^cannot read s3://{runs.bucket}/in/none\.jsonl: 404$"):
        runs.on_spark("none.jsonl")


def test_files_that_are_all_rejected_fail_the_job_and_its_summary_says_so(runs):
    with pytest.raises(JobError, match=r"no file could be used: a\.jsonl: no text column"):
        runs.give(a='{"colour": "red"}\n').on_spark()

    summary = Result(runs.output).summary
    assert summary["files_rejected"] == 1
    assert "problem" in summary


def test_a_job_that_fails_leaves_no_part_and_a_second_attempt_none_but_its_own(runs, monkeypatch):
    def refused(one):
        raise store.StoreError(f"cannot write {one.uri}: AccessDenied")

    runs.give(a='{"text": "a"}\n')
    with monkeypatch.context() as patch:
        patch.setattr(store, "commit", refused)
        with pytest.raises(JobError, match=r"\S+parquet: AccessDenied"):
            runs.on_spark()
    assert runs.keys() == []

    runs.s3.put_object(Bucket=runs.bucket, Key=f"{OUT}part-00000-0000.parquet", Body=b"torn")
    assert [f"{OUT}{name}" for name in runs.on_spark().summary["parts"]] == runs.keys()
    assert runs.rows()["text"].to_list() == ["a"]

    runs.s3.put_object(Bucket=runs.bucket, Key=f"{OUT}part-00099-0000.parquet", Body=b"another's")
    with pytest.raises(JobError, match="empty it first"):
        runs.on_spark()
    begun = runs.s3.list_multipart_uploads(Bucket=runs.bucket).get("Uploads", [])
    assert len(begun) == 1, "that of the job whose commit was refused"


def test_a_file_that_kills_its_reader_is_rejected_by_name_and_the_others_are_processed(runs):
    runs.give(killer='{"text": "first"}\n{"text": "kill"}\n')
    runs.give(other='{"text": "first"}\n{"text": "second"}\n')

    result = runs.on_spark(rules=Rules(cleaner="killing:clean"))

    assert sorted(runs.rows()["text"]) == ["first", "second"]
    assert [file["status"] for file in result.summary["files"]] == ["rejected", "read"]
    assert result.rejected[0]["reason"] == "reading it took more memory than a worker may have"


def test_parts_are_named_by_partition_so_that_a_task_run_twice_writes_the_same(runs):
    frame = pl.DataFrame({"\0order": [0, 1], "text": ["a", "b"]})
    piece = executors._piece(0, 0, executors.ROWS, executors._packed(frame))
    columns = {"task": piece.column("task"), "data": piece.column("data"), "drop": [[1]]}
    batch = executors.pa.RecordBatch.from_pydict(columns)
    schema = executors.pickle.dumps({"text": pl.String()})
    target = executors.Target(f"s3://{runs.bucket}/{OUT}", "")

    for _ in range(2):
        [written] = executors.write_parts([batch], Output(schema, ("text",), Rules()), target)
        part = executors.pickle.loads(written.to_pylist()[0]["data"])
        assert part.kept == {0: 1}
        store.commit(part.upload)

    assert (len(runs.keys()), runs.rows()["text"].to_list()) == (1, ["a"])
