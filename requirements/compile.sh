#!/bin/sh
# Compile what `sam build` made, for SAM leaves only sources and Lambda's disk is read-only: each
# cold start would compile them again.
#
#   sam build && sh requirements/compile.sh .aws-sam/build/*Function
#
# By the Python of template.yaml's Runtime, PYTHON names another; one that Lambda does not
# know by its magic number it passes over, and reads the sources. By hash and not by time, so that
# the same sources make the same zip. What no function imports stays as it is, and the zip small.
set -eu

python=${PYTHON:-python3.13}
unused='/pydantic/(v1|deprecated)/|/tzdata/'

for folder in "$@"; do
    "$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x "$unused" -s "$folder" -p /var/task "$folder"
done
