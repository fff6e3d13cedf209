"""What holds for every unit test: the shell's AWS and stack are forgotten."""

import pytest

NAMES = ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "LANDRUN_STACK", "LANDRUN_STATE_DIR")


@pytest.fixture(scope="module", autouse=True)
def _no_aws():
    with pytest.MonkeyPatch.context() as patches:
        for name in NAMES:
            patches.delenv(name, raising=False)
        yield
