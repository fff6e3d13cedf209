#!/bin/sh
# Look for secrets in files, by form and by name: `sh tests/scan/secrets.sh FILE...`. The detectors of
# entropy are off: what SQS and S3 put into events/ (handles, digests, version ids) has as much of it.
scanners=$(cd "$(dirname "$0")/../../.venv-scan" && pwd)
PYTHONPATH="$scanners/secrets" exec "$scanners/bin/python" -m detect_secrets.pre_commit_hook --no-verify \
    --disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString -- "$@"
