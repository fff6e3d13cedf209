"""What the end of a job's log says of the job's failure, in one line."""

from __future__ import annotations

import pytest

from landrun.models.job_log import ERROR_LIMIT, failure_in

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
GROUP = f"""\
  + Exception Group {BEGUN}
  |   File "x.py", line 1, in <module>
  | ExceptionGroup: several (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: one
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
        ([GROUP], "ExceptionGroup: several (1 sub-exception)"),
        ([f"ERROR:root:it failed\nERROR:root:{BEGUN}\n  File …\nE: logged"], "E: logged"),
        ([OF_SPARK], "ValueError: bad row"),
        (["all is well here\n", CHAINED], "__main__.NoText: no column: 'text'"),
        ([f"{BEGUN}\n  File …\nKeyboardInterrupt\n100 rows written"], "KeyboardInterrupt"),
        (["Killed\n  \n"], f"{BARE}; the log ends with: Killed"),
        (["\n", "the other host\n"], f"{BARE}; the log ends with: the other host"),
        ([f"{BEGUN}\n  cut"], f"{BARE}; the log ends with: cut"),
        (["\x1b[31mred\u202e\x00"], rf"{BARE}; the log ends with: \x1b[31mred\u202e\x00"),
        (["", " \n"], None),
    ],
)
def test_a_failure_is_the_exception_of_the_last_traceback_or_the_last_line(logs, failure):
    assert failure_in([log.splitlines() for log in logs], BARE) == failure


@pytest.mark.parametrize("log", [f"{BEGUN}\nKeyError: {'x' * 5000}", "y" * 300_000])
def test_a_long_line_is_cut(log):
    failure = failure_in([log.splitlines()], "")
    assert failure.endswith("…")
    assert len(failure) <= ERROR_LIMIT + len("; the log ends with: ")
