"""The Data Science SDK, imported quietly.

Import this module inside functions only: the SDKs take 3 to 6 seconds, and most commands never
need them. They set the root logger to ERROR, log about their own settings files, and warn of their
own deprecation; none of that is the caller's concern.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the SDKs' own warnings, by name, and leave the loggers as they were.

    The ``stepfunctions`` logger warns if no region is set, and if a state machine exists already;
    the caller reports what matters of that.
    """
    loggers = [logging.getLogger(), logging.getLogger("stepfunctions")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
        warnings.filterwarnings("ignore", ".*pkg_resources", DeprecationWarning)
        warnings.filterwarnings("ignore", '"is" with', SyntaxWarning)
        warnings.filterwarnings("ignore", "invalid escape sequence", SyntaxWarning)
        warnings.filterwarnings("ignore", ".*SageMaker Python SDK v2")
        loggers[1].setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


with quietly():
    logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
    logging.getLogger("sagemaker.deprecations").setLevel(logging.ERROR)
    from sagemaker import image_uris, network, processing
    from sagemaker.spark import processing as spark
    from stepfunctions import inputs, steps, workflow

__all__ = ["image_uris", "inputs", "network", "processing", "quietly", "spark", "steps", "workflow"]
