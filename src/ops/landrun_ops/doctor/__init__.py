"""Checks of a deployment, each with a remedy that an operator can type.

`checks` lists and runs them, `aws_reader` makes their calls, and there is one module per area.
"""
