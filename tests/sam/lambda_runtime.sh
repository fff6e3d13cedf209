#!/bin/sh
# A stand-in for AWS's Lambda image for Python 3.13, and that Python for this machine, made from
# packages of Debian 13 and of PyPI where AWS's registry cannot be reached.
#
#   sh lambda_runtime.sh python OUT PIP              OUT/python/bin/python3.13, with pip
#   sh lambda_runtime.sh image OUT PACKAGES IMAGE    imports IMAGE into Docker
#
# PIP is pip's own folder, PACKAGES one with awslambdaric and boto3, installed for Python 3.13. Needs
# root, mmdebstrap and, for `python`, patchelf. The mirror is apt's own; MIRROR and SUITE name others.
set -eu

version=3.13
suite=${SUITE:-trixie}
what=$1
out=$2
rootfs=$out/rootfs

say() { printf 'lambda runtime: %s\n' "$*" >&2; }

# Apt's first mirror that is not for security updates alone.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1
}

# Unpacked only: no maintainer script runs, no chroot is entered.
unpack() {
    [ ! -d "$rootfs" ] || return 0
    say "unpacking Python $version of Debian $suite"
    mkdir -p "$out"
    mmdebstrap --quiet --variant=extract \
        --include="base-files,python$version-minimal,libpython$version-stdlib,libstdc++6,busybox-static" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/*/gconv/*' \
        --dpkgopt='path-exclude=/usr/share/zoneinfo/*' \
        "$suite" "$out/rootfs.tar" "${MIRROR:-$(mirror)}" >&2
    mkdir "$rootfs.part"
    tar -C "$rootfs.part" --exclude='./dev/*' -xf "$out/rootfs.tar"
    rm "$out/rootfs.tar"
    mv "$rootfs.part" "$rootfs"
}

# With its own libraries and loader, since this machine's may be older; a real ELF file, so that
# virtual environments and `sam build` take it for any other Python.
make_python() {
    python=$out/python
    [ ! -x "$python/bin/python$version" ] || return 0
    say "the same Python for this machine"
    libraries=$(basename "$(dirname "$(ls "$rootfs"/usr/lib/*/ld-linux-*)")")
    loader=$(basename "$(ls "$rootfs"/usr/lib/"$libraries"/ld-linux-*)")
    mkdir -p "$python/bin" "$python/lib"
    cp -a "$rootfs/usr/lib/python$version" "$rootfs/usr/lib/$libraries" "$python/lib/"
    mkdir -p "$python/lib/python3/dist-packages"
    cp -a "$1" "$python/lib/python3/dist-packages/"
    patchelf --set-interpreter "$python/lib/$libraries/$loader" --force-rpath \
        --set-rpath "\$ORIGIN/../lib/$libraries" --output "$python/bin/python$version" \
        "$rootfs/usr/bin/python$version"
}

# What SAM runs in it (mv, chmod), and what people look around with.
add_shell() {
    for command in sh mv chmod cat ls env id cp rm mkdir sleep; do
        ln -sf busybox "$rootfs/usr/bin/$command"
    done
    ln -sf "python$version" "$rootfs/usr/bin/python3"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$rootfs/etc/passwd"
    echo 'root:x:0:' >"$rootfs/etc/group"
    echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
}

# As in AWS's: the function's own folder comes before what the runtime brings.
add_runtime() {
    mkdir -p "$rootfs/var/lang/bin" "$rootfs/var/task" "$rootfs/opt" "$rootfs/tmp"
    rm -rf "$rootfs/var/runtime"
    cp -a "$1" "$rootfs/var/runtime"
    ln -sf "/usr/bin/python$version" "$rootfs/var/lang/bin/python$version"
    cat >"$rootfs/var/runtime/bootstrap" <<'BOOTSTRAP'
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}/opt/python/lib/python3.13/site-packages:/opt/python:/var/runtime"
cd "${LAMBDA_TASK_ROOT:-/var/task}"
exec /usr/bin/python3.13 -m awslambdaric "$_HANDLER"
BOOTSTRAP
    chmod 755 "$rootfs/var/runtime/bootstrap"
}

import_image() {
    say "importing $1"
    tar -C "$rootfs" --numeric-owner --owner=0 --group=0 -c . | docker import \
        -c 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin LANG=C.UTF-8 TZ=UTC LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime LD_LIBRARY_PATH=/var/task:/var/task/lib:/opt/lib' \
        -c 'WORKDIR /var/task' - "$1" >&2
}

unpack
case $what in
python) make_python "$3" ;;
image) add_shell && add_runtime "$3" && import_image "$4" ;;
*) say "python or image, not $what"; exit 2 ;;
esac
