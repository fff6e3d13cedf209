"""Import a handler and call it once, in a process of its own, as Lambda does for a cold start.

python benchmarks/first_event.py MODULE EVENT    prints the seconds of processor time as JSON

AWS's answers are prepared after the import: nothing that the handler imports is there before it.
"""

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    began = time.process_time()
    handler = __import__(sys.argv[1], fromlist=["handler"]).handler
    imported = time.process_time() - began

    import json
    from types import SimpleNamespace

    from standins import Aws, describe_state_machine, start_execution

    aws = Aws({"StartExecution": start_execution, "DescribeStateMachine": describe_state_machine})
    event = json.loads(Path(sys.argv[2]).read_bytes())
    context = SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
        aws_request_id="52fdfc07-2182-454f-963f-5f0f9a621d72",
    )
    with aws.answering():
        began = time.process_time()
        answer = handler(event, context)
        called = time.process_time() - began
    if aws.calls["StartExecution"] != 1:
        sys.exit(f"{sys.argv[1]} started no execution: {answer}")
    print(f"\n{json.dumps([imported, called])}")
