#!/usr/bin/env bash
# Installs what is missing on this machine, and says nothing where nothing is missing.
#
#   scripts/setup.sh run    to build and to start Yeoul with the demo camera
#   scripts/setup.sh test   the same, and what the tests need: ffmpeg, Chromium, more of GStreamer, cargo-nextest
#
# Debian and Ubuntu packages come by apt-get, with sudo where we are not root. The Rust toolchain and Node are not
# installed here, because people have their own ways for them: a sentence says what is needed.
set -euo pipefail

RUST_MINIMUM=95       # of Rust 1.x; the workspace's rust-version
NODE_MINIMUM=20.19    # what Vite needs
NEXTEST_VERSION=0.9.143

cd "$(dirname "$0")/.."
what=${1:-run}
case $what in run | test) ;; *) echo "usage: scripts/setup.sh run|test" >&2 && exit 2 ;; esac

fail() {
  echo "setup: $*" >&2
  exit 1
}

# A compiler and cmake for the crypto library, and the demo camera: an RTSP server in Python on GStreamer.
packages=(gcc g++ libc6-dev make cmake pkg-config curl procps
  python3 python3-gi python3-gst-1.0 gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-x)
if [ "$what" = test ]; then
  packages+=(ffmpeg gstreamer1.0-tools gstreamer1.0-rtsp gstreamer1.0-plugins-bad gstreamer1.0-libav fontconfig
    libnginx-mod-rtmp python3-aiortc python3-aiohttp)
  # An RTMP server nobody here wrote; any nginx will do with it.
  command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || packages+=(nginx-light)
  # Ubuntu has no such package, only a snap: a Chromium that is already there will do.
  command -v chromium >/dev/null || packages+=(chromium)
  # Any font with Hangul will do; this one is a fifth of Noto's size.
  if [ -z "$(fc-list :lang=ko 2>/dev/null)" ]; then packages+=(fonts-nanum); fi
fi

install_packages() {
  local installed package missing=() as_root=()
  # It fails where it knows one of them not at all, and still lists the others.
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null) || true
  for package in "${packages[@]}"; do
    grep -qxF "$package installed" <<<"$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Without apt: is everything there, by whatever way?
check_programs() {
  local missing=() program
  local programs=(cc c++ make cmake pkg-config curl python3)
  [ "$what" = run ] || programs+=(ffmpeg ffprobe gst-launch-1.0 chromium nginx)
  for program in "${programs[@]}"; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer' \
    2>/dev/null || missing+=("gst-rtsp-server, GStreamer's base, good and ugly plug-ins with pango and x264, and PyGObject")
  [ ${#missing[@]} -eq 0 ] || fail "there is no apt-get here; please install: $(printf '%s; ' "${missing[@]}")then try again"
}

check_rust() {
  local version tool
  command -v cargo >/dev/null || fail "Rust is missing: install Rust 1.$RUST_MINIMUM or newer, see https://rustup.rs"
  version=$(rustc --version | sed -E 's/^rustc 1\.([0-9]+)\..*/\1/')
  [ "$version" -ge "$RUST_MINIMUM" ] ||
    fail "Rust 1.$version is too old: 1.$RUST_MINIMUM or newer is needed; with rustup: rustup update stable"
  if [ "$what" = test ]; then
    for tool in fmt clippy; do
      cargo $tool --version >/dev/null 2>&1 ||
        fail "cargo $tool is missing; with rustup: rustup component add rustfmt clippy"
    done
  fi
}

check_node() {
  local version
  { command -v node && command -v npm; } >/dev/null || fail "Node and npm are missing: install Node $NODE_MINIMUM or newer, see https://nodejs.org"
  version=$(node --version)
  # Of the two, the older one comes first.
  [ "$(printf '%s\n' "$NODE_MINIMUM" "${version#v}" | sort -V | head -n 1)" = "$NODE_MINIMUM" ] ||
    fail "Node $version is too old: $NODE_MINIMUM or newer is needed"
}

install_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return
  echo "setup: building cargo-nextest $NEXTEST_VERSION (a few minutes, once)"
  # A tool that waits for tests need not be fast, and is built in half the time so.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=false \
    cargo install --quiet --locked "cargo-nextest@$NEXTEST_VERSION"
}

install_npm_packages() {
  # npm writes this file last; the lock file is newer when packages were added or this is a fresh clone.
  [ web/package-lock.json -nt web/node_modules/.package-lock.json ] || return 0
  echo "setup: installing npm packages"
  (cd web && npm ci --silent --no-audit --no-fund)
}

check_rust
check_node
if command -v apt-get >/dev/null; then install_packages; else check_programs; fi
if [ "$what" = test ]; then install_nextest; fi
install_npm_packages
