"""The ``landrun`` command, from its first moment: Ctrl-C ends it quietly even while it starts."""

import gc
import sys

INTERRUPTED = 130
"""The shell's exit code of what Ctrl-C ended: 128 and the signal's number."""


def main() -> None:
    """Run the command that the shell's arguments name; see `landrun_ops.cli.main`."""
    try:
        from landrun_ops.cli import main as run  # noqa: PLC0415  (the import is a part of it)

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()  # the exit looks for cycles among all objects otherwise: a second, with moto's


if __name__ == "__main__":
    main()
