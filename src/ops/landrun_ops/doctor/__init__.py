"""Checks of a deployment, each with a remedy that an operator can type.

`checks` runs them side by side, `aws_reader` makes their calls, one module an area judges.
"""
