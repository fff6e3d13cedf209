"""What is said of a Processing job: by AWS, its logs and summaries, or anybody in their place."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from landrun.models.job_log import failure_in
from landrun.models.job_summary import LIST_LIMIT, sum_of_hosts
from landrun.models.processing_job import ProcessingJob, submitted_job_name

START = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)
RAN_A_MINUTE = {
    "ProcessingJobName": "j",
    "ProcessingStartTime": int(START.timestamp() * 1000),
    "ProcessingEndTime": int(START.timestamp() * 1000) + 60_000,
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}},
}


def described(**more):
    return ProcessingJob.model_validate(RAN_A_MINUTE | more)


def test_a_job_that_ran_on_two_instances_counts_both_whoever_describes_it():
    by_boto3 = {"ProcessingStartTime": START, "ProcessingEndTime": START + timedelta(minutes=1)}
    assert described().instance_seconds == described(**by_boto3).instance_seconds == 120


@pytest.mark.parametrize(
    ("exit_message", "reason", "limit", "said"),
    [
        ("why", "reason", None, "why"),
        ("", "reason", None, "reason"),
        (None, "reason", 60, "reason"),
        (None, None, 61, "the job was stopped"),
        (None, None, 60, "the job was stopped at its time limit of 60 seconds"),
    ],
)
def test_a_job_says_why_it_ended_as_near_to_the_reason_as_is_known(
    exit_message, reason, limit, said
):
    known = {"ExitMessage": exit_message, "FailureReason": reason}
    known["StoppingCondition"] = {"MaxRuntimeInSeconds": limit}
    found = described(ProcessingJobStatus="Stopped", **known)
    assert found.exit_message.partition(" (")[0] == said
    assert not found.failed_without_reason


@pytest.mark.parametrize(
    ("reason", "exit_message", "wordless"),
    [
        ("AlgorithmError: , exit code: 1", None, True),
        ("AlgorithmError: Exit Code: -9", None, True),
        ("AlgorithmError: See job logs for more information", None, True),
        ("AlgorithmError: out of memory, exit code: 137", None, False),
        ("ClientError: /opt/ml/output/message is not UTF-8", None, False),
        ("AlgorithmError: , exit code: 1", "why", False),
        ("", "", True),
    ],
)
def test_a_reason_that_names_no_more_than_an_exit_code_is_none(reason, exit_message, wordless):
    known = {"FailureReason": reason, "ExitMessage": exit_message}
    assert described(ProcessingJobStatus="Failed", **known).failed_without_reason is wordless


def event(kind):
    """Make an event by its type; ``Redriven 1`` is a redrive, ``TaskScheduled`` asks for a job."""
    redrive = {"redriveCount": int(kind.split()[1])} if kind.startswith("Redriven") else None
    parameters = json.dumps({"ProcessingJobName": "j"}) if kind == "TaskScheduled" else None
    return {
        "type": kind,
        "executionRedrivenEventDetails": redrive,
        "taskScheduledEventDetails": {"parameters": parameters},
    }


ASKED, RAN = ("TaskScheduled",), ("TaskSubmitted", "TaskStarted", "TaskScheduled")
REFUSED = ("TaskSubmitFailed", "TaskStarted", "TaskScheduled")
PUBLISHED = ("TaskSucceeded", "LambdaFunctionScheduled")


@pytest.mark.parametrize(
    ("redrives", "newest_first", "found"),
    [
        (0, PUBLISHED + RAN, True),
        (0, ASKED, False),
        (0, REFUSED + RAN, False),  # a retry that was refused: the first job is not the reason
        (1, (*RAN, "Redriven 1"), True),
        (1, ("Redriven 1", "ExecutionAborted", *RAN), False),
        (1, (*REFUSED, "Redriven 1", *RAN), False),
        (0, ("Redriven 1", "ExecutionAborted", *RAN), True),  # recorded late
        (1, ("Redriven 2", *RAN, "Redriven 1"), True),
    ],
)
def test_the_job_of_an_attempt_is_the_one_that_it_submitted_last(redrives, newest_first, found):
    assert submitted_job_name(map(event, newest_first), redrives) == ("j" if found else None)


BARE = "AlgorithmError: , exit code: 1"
BEGUN = "Traceback (most recent call last):"
CHAINED = f"""\
reading 3 files
{BEGUN}
  File "/opt/program/my_script.py", line 9, in main
KeyError: 'text'

During handling of the above exception, another exception occurred:

{BEGUN}
  File "/opt/program/my_script.py", line 30, in <module>
__main__.NoText: no column: 'text'
which is on a second line
"""
OF_SPARK = f"""\
org.apache.spark.api.python.PythonException: {BEGUN}
  File "worker.py", line 1, in main
ValueError: bad row

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException(PythonRunner.scala:1)
26/11/30 12:00:01 INFO ShutdownHookManager: Shutdown hook called
"""


@pytest.mark.parametrize(
    ("logs", "failure"),
    [
        ([CHAINED], "__main__.NoText: no column: 'text'"),
        ([f"ERROR:root:it failed\nERROR:root:{BEGUN}\n  File …\nE: logged"], "E: logged"),
        ([OF_SPARK], "ValueError: bad row"),
        ([f"{BEGUN}\n  File …\nKeyboardInterrupt\n100 rows written"], "KeyboardInterrupt"),
        (["Killed\n  \n"], f"{BARE}; the log ends with: Killed"),
        (["\n", "the other host\n"], f"{BARE}; the log ends with: the other host"),
        (["\x1b[31mred\u202e\x00"], rf"{BARE}; the log ends with: \x1b[31mred\u202e\x00"),
        (["", " \n"], None),
    ],
)
def test_a_failure_is_the_exception_of_the_last_traceback_or_the_last_line(logs, failure):
    assert failure_in([log.splitlines() for log in logs], BARE) == failure


def summed(*summaries):
    return sum_of_hosts((f"algo-{n}", summary) for n, summary in enumerate(summaries, 1))


def test_hosts_summaries_add_up_to_the_runs_and_what_each_did_is_kept_apart():
    first, second = ({"name": "a.jsonl", "bytes": 100}, {"name": "b.jsonl", "bytes": 50})
    each = {"rows_in": 20, "rejected": 1, "version": "0.1.0", "hosts": ["algo-1", "algo-2"]}
    summary = summed(
        each | {"files": [first, second], "columns": ["id", "text"], "seconds": 3.5},
        {"rows_in": 0, "files": [], "columns": ["id", "lang"], "seconds": 2.0, "host": "algo-2"},
    )
    shards = {
        "algo-1": {"files": 2, "bytes": 150, "rows_in": 20, "rejected": 1, "seconds": 3.5},
        "algo-2": {"files": 0, "bytes": 0, "rows_in": 0, "seconds": 2.0},
    }
    assert summary == each | {
        "files": [first, second],
        "columns": ["id", "text", "lang"],
        "seconds": 3.5,
        "shards": shards,
    }


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ([{"lang": "de", "ok": True}, {"lang": "en", "ok": True}, {"lang": "de"}], {"ok": True}),
        ([{"n": 10**4000}, {"n": 1}], {}),  # too large to be a count
        ([{"problem": "no file could be used"}], {"problem": "algo-1: no file could be used"}),
        (
            [{"parts": list(range(LIST_LIMIT))}, {"parts": ["b"] * 5, "parts_omitted": 7}],
            {"parts": list(range(LIST_LIMIT)), "parts_omitted": 12},
        ),
    ],
    ids=["disputed", "too large", "problem", "long"],
)
def test_each_kind_of_value_has_its_own_way_of_being_summed(summaries, expected):
    said = summed(*summaries)
    assert {name: said[name] for name in said.keys() - {"hosts", "shards"}} == expected
