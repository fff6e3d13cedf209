"""AWS's own tools on what is deployed: `make sam`, which is ``python -m sam``."""
