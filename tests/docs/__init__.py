"""The documentation: its generated pages, its commands, its site (`make docs`)."""
