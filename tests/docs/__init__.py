"""The documentation: its generated parts, what its pages say, its commands (`make docs`)."""
