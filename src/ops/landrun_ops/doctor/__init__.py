"""The preflight: what makes such stacks fail in the field, looked for before they do.

`sight` asks AWS, each area's module judges what it was told, `examining` runs them all at once.
"""
