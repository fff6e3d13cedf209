"""The code that Lambda runs: events in, executions started, outcomes recorded."""
