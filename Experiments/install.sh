#!/usr/bin/env bash
# Installs the Debian packages named, if any is missing, and says so. Other systems are told what to install.
set -euo pipefail
missing=()
for package in "$@"; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if ! command -v swift >/dev/null; then
  echo "unmask: Swift 6.2 or later is needed and is not on PATH (swift.org/install)" >&2
  exit 2
fi
[ "${#missing[@]}" -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  command -v pkg-config >/dev/null && pkg-config --exists openblas hdf5 zlib && exit 0
  echo "unmask: please install OpenBLAS, HDF5 1.10 or later and zlib (with headers) and pkg-config" >&2
  exit 2
fi
echo "installing Debian packages: ${missing[*]}"
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 || {
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
