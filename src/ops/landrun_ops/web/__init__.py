"""The report and the live page: one page of runs, fed from a file or by a server."""
