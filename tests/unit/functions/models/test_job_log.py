"""What the end of a job's log says of the job's failure, in one line."""

from __future__ import annotations

import pytest

from landrun.models.job_log import ERROR_LIMIT, failure_in

BARE = "AlgorithmError: , exit code: 1"

RAISED = """\
reading 3 files
Traceback (most recent call last):
  File "/opt/program/my_script.py", line 12, in <module>
    main()
  File "/opt/program/my_script.py", line 9, in main
    raise
KeyError: 'text'
"""
CHAINED = f"""\
{RAISED}
During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/opt/program/my_script.py", line 30, in <module>
__main__.NoText: no column: 'text'
which is on a second line
rows: 0
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 1, in <module>
  |     raise ExceptionGroup("several", [ValueError("one")])
  | ExceptionGroup: several (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: one
    +------------------------------------
"""
LOGGED = "ERROR:root:it failed\nERROR:root:Traceback (most recent call last):\n  File …\nE: logged"
OF_SPARK = """\
26/11/30 12:00:00 ERROR Executor: Exception in task 0.0
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "worker.py", line 1, in main
ValueError: bad row

\tat org.apache.spark.api.python.BasePythonRunner.handlePythonException(PythonRunner.scala:1)
26/11/30 12:00:01 INFO ShutdownHookManager: Shutdown hook called
"""


@pytest.mark.parametrize(
    ("logs", "failure"),
    [
        ([RAISED], "KeyError: 'text'"),
        ([CHAINED], "__main__.NoText: no column: 'text'"),
        ([GROUP], "ExceptionGroup: several (1 sub-exception)"),
        ([LOGGED], "E: logged"),
        ([OF_SPARK], "ValueError: bad row"),
        ([f"{RAISED}100 rows written\n"], "KeyError: 'text'"),
        (["all is well here\n", RAISED], "KeyError: 'text'"),
        (["Traceback (most recent call last):\n  File …\nKeyboardInterrupt"], "KeyboardInterrupt"),
        (["Killed\n  \n"], f"{BARE}; the log ends with: Killed"),
        (["\n", "the other host\n"], f"{BARE}; the log ends with: the other host"),
        (["Traceback (most recent call last):\n  cut"], f"{BARE}; the log ends with: cut"),
        (["\x1b[31mred\u202e\x00"], rf"{BARE}; the log ends with: \x1b[31mred\u202e\x00"),
        (["", " \n"], None),
    ],
)
def test_a_failure_is_the_exception_of_the_last_traceback_or_the_last_line(logs, failure):
    assert failure_in([log.splitlines() for log in logs], BARE) == failure


@pytest.mark.parametrize("log", [f"{RAISED}KeyError: {'x' * 5000}", "y" * 300_000])
def test_a_long_line_is_cut(log):
    failure = failure_in([log.replace("'text'", "z" * 5000).splitlines()], "")
    assert failure.endswith("…")
    assert len(failure) <= ERROR_LIMIT + len("; the log ends with: ")
