"""What SageMaker hands to the job, what the job leaves, and what a person is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster import job as on_spark
from cluster import manifest, store
from messages.options import JobError, Options, Rules

from .runs import Runs


def given(folder: Path, **config: Any) -> Path:
    """A folder that stands for /opt/ml, with this job configuration in it."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "processingjobconfig.json").write_text(json.dumps(config))
    return folder


def manifests(folder: Path, **files: Any) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_the_manifest_names_the_objects_by_their_paths_and_in_order(tmp_path: Path) -> None:
    listed = [{"prefix": "s3://b/in/"}, "b.csv", "./a//x.csv", "b.csv"]
    folder = manifests(tmp_path / "m", run=listed)

    assert manifest.read_manifest(folder, tmp_path) == [
        manifest.Entry("s3://b/in/./a//x.csv", "a/x.csv"),
        manifest.Entry("s3://b/in/b.csv", "b.csv"),
    ]


def test_of_several_files_under_the_prefix_the_jobs_own_is_the_manifest(tmp_path: Path) -> None:
    folder = manifests(tmp_path / "m", run=[{"prefix": "s3://b/"}, "a"], run2=[])
    source = {"S3Input": {"S3Uri": "s3://b/manifests/run.json"}}
    opt_ml = given(tmp_path / "opt", ProcessingInputs=[source])

    assert [one.name for one in manifest.read_manifest(folder, opt_ml)] == ["a"]


@pytest.mark.parametrize("content", [{}, [], ["a"], [{"prefix": "s3://b/"}], [{"prefix": "s"}, 1]])
def test_what_is_no_manifest_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    with pytest.raises(JobError, match=r"run\.json"):
        manifest.read_manifest(manifests(tmp_path / "m", run=content), tmp_path)


def test_parts_go_where_sagemaker_would_upload_the_folder(tmp_path: Path) -> None:
    outputs = [
        {"S3Output": {"LocalPath": "/opt/ml/processing/output/logs", "S3Uri": "s3://b/l"}},
        {"S3Output": {"LocalPath": "/opt/ml/processing/output/processed", "S3Uri": "s3://b/p/run"}},
    ]
    opt_ml = given(tmp_path, ProcessingOutputConfig={"Outputs": outputs, "KmsKeyId": "key"})

    uri = manifest.output_uri(Path("/somewhere/processed"), opt_ml)

    assert uri == ("s3://b/p/run/", "key")


def test_an_object_that_is_not_there_is_named_in_one_line(runs: Runs, tmp_path: Path) -> None:
    missing = [{"prefix": f"{tmp_path.as_uri()}/"}, "none.jsonl"]
    options = Options(manifests(tmp_path / "m", run=missing), tmp_path / "out")

    with pytest.raises(JobError, match=r"^cannot read file://.*none\.jsonl: .*No such file[^\n]*$"):
        on_spark.process(options, runs.spark)


def test_files_that_are_all_rejected_fail_the_job_and_its_summary_says_so(
    runs: Runs, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("colour\nred\n")

    with pytest.raises(JobError, match=r"no file could be used: a\.csv: no text column"):
        runs.on_spark(tmp_path / "in")

    summary = json.loads((tmp_path / "spark" / "summary.json").read_bytes())
    assert summary["files_rejected"] == 1
    assert "problem" in summary


def test_parts_of_an_earlier_run_are_never_mixed_with_new_ones(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "spark").mkdir()
    (tmp_path / "spark" / "part-00099-0000.parquet").write_bytes(b"of another run")

    with pytest.raises(JobError, match="empty it first"):
        runs.on_spark(tmp_path / "in")

    assert [p.name for p in (tmp_path / "spark").glob("part-*")] == ["part-00099-0000.parquet"]


def test_a_second_attempt_replaces_what_the_first_left_while_it_published(
    runs: Runs, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text('{"text": "a"}\n')
    first = runs.on_spark(tmp_path / "in")
    (first.output / "summary.json").unlink()

    second = runs.on_spark(tmp_path / "in")

    assert second.frame["text"].to_list() == ["a"]
    assert second.summary["parts"] == [part.name for part in second.parts]


def test_what_is_uploaded_is_no_object_until_it_is_committed(tmp_path: Path) -> None:
    part = tmp_path / "part.parquet"
    part.write_bytes(b"rows")
    folder = tmp_path / "out"
    folder.mkdir()
    one = store.upload(part, f"{folder.as_uri()}/part.parquet", "")

    assert store.names(f"{folder.as_uri()}/", "part") == []
    store.commit(one)
    assert store.names(f"{folder.as_uri()}/", "part") == ["part.parquet"]


def test_a_file_that_kills_its_reader_is_rejected_by_name_and_the_others_are_processed(
    runs: Runs, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "killer.jsonl").write_text('{"text": "first"}\n{"text": "kill"}\n')
    (folder / "other.jsonl").write_text('{"text": "first"}\n{"text": "second"}\n')
    program = Path(on_spark.__file__).parents[1]
    cleaner = program / "killing_in_a_test.py"
    cleaner.write_text(
        "import os\n\ndef clean(texts):\n    return texts if 'kill' not in texts else os.abort()\n"
    )
    try:
        result = runs.on_spark(folder, rules=Rules(cleaner="killing_in_a_test:clean"))
    finally:
        cleaner.unlink()

    assert sorted(result.frame["text"]) == ["first", "second"]
    assert [file["status"] for file in result.summary["files"]] == ["rejected", "read"]
    assert result.rejected[0]["reason"] == "reading it took more memory than a worker may have"
