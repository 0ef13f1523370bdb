#!/bin/sh
# Installs what is missing: host tools by apt (as root or by sudo without a password), the pinned Bun and
# the linter by npm. With everything in place it needs no network and ends at once.
#   setup.sh          what building and running need
#   setup.sh --tests  also the callers and tools that some tests want; their absence is only noted
set -eu
. "$(dirname -- "$0")/progress.sh"

# command:package or file:package, in the names of Debian 12
needed='gcc:gcc /usr/include/linux/stat.h:linux-libc-dev musl-gcc:musl-tools bash-static:bash-static mksquashfs:squashfs-tools
  squashfuse_ll:squashfuse fuse2fs:fuse2fs fuse-overlayfs:fuse-overlayfs fusermount3:fuse3 newuidmap:uidmap
  mmdebstrap:mmdebstrap debootstrap:debootstrap mkfs.ext3:e2fsprogs busybox:busybox-static'
wanted_by_tests='cwltool:cwltool /usr/lib/python3/dist-packages/setuptools:python3-setuptools
  snakemake:snakemake toil-cwl-runner:toil strace:strace jq:jq fakeroot:fakeroot ps:procps docker-registry:docker-registry dnf:dnf rpmbuild:rpm createrepo_c:createrepo-c setfattr:attr pacman:pacman-package-manager makepkg:makepkg pacstrap:arch-install-scripts bsdtar:libarchive-tools gocryptfs:gocryptfs gpg:gnupg openssl:openssl
  pasta:passt slirp4netns:slirp4netns ip:iproute2 iptables:iptables curl:curl /usr/lib/cni/bridge:containernetworking-plugins
  runc:runc crun:crun conmon:conmon /usr/include/stdio.h:libc6-dev /sbin/cryptsetup:cryptsetup-bin'
# A kernel with a device mapper, as a program; 41 MB to fetch. Debian has it for this processor only.
if [ "$(uname -m)" = x86_64 ]; then wanted_by_tests="$wanted_by_tests linux.uml:user-mode-linux"; fi

missing_of() {
  for pair in "$@"; do
    case $pair in
      /*) [ -e "${pair%%:*}" ] ;;
      *) command -v "${pair%%:*}" >/dev/null ;;
    esac || printf '%s ' "${pair#*:}"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install "$@"
}

# The package lists are fetched only when the ones at hand do not lead to the packages.
install_packages() {
  apt_install "$@" && return
  as_root apt-get -o DPkg::Lock::Timeout=300 update
  apt_install "$@"
}

# Word splitting of the package lists is meant, here and below.
# shellcheck disable=SC2086
missing=$(missing_of $needed)
if [ -n "$missing" ]; then
  if ! can_install; then
    say "Missing on this machine: $missing"
    say "Only root or sudo without a password may install them here. Please run, then start again:"
    say "  apt-get install --no-install-recommends $missing"
    exit 1
  fi
  step "Installing $missing" install_packages $missing
fi

if [ "${1:-}" = --tests ]; then
  extras=$(missing_of $wanted_by_tests)
  if [ -n "$extras" ] && can_install; then
    step "Installing for the tests: $extras" install_packages $extras || :
    extras=$(missing_of $wanted_by_tests)
  fi
  [ -z "$extras" ] || say "Without $extras some tests are skipped"
fi

# FUSE for everyone, as every distribution's udev rule has it; bare virtual machines and CI often lack the rule.
if [ "$(id -u)" = 0 ]; then
  [ -e /dev/fuse ] || { modprobe fuse && [ -e /dev/fuse ]; } 2>/dev/null ||
    mknod /dev/fuse c 10 229 2>/dev/null || :
  case $(stat -c %a /dev/fuse 2>/dev/null || echo none) in
    666 | none) ;;
    *) chmod 666 /dev/fuse 2>/dev/null || : ;;
  esac
fi
# The same for the device by which users connect a network of their own.
if [ "$(id -u)" = 0 ] && [ -c /dev/net/tun ]; then chmod 666 /dev/net/tun 2>/dev/null || :; fi
[ -r /dev/fuse ] && [ -w /dev/fuse ] || say "Note: /dev/fuse cannot be opened here; images are then extracted instead of mounted"

case $(uname -m) in
  x86_64) bun_package=bun-linux-x64 biome_package=cli-linux-x64 ;;
  aarch64 | arm64) bun_package=bun-linux-aarch64 biome_package=cli-linux-arm64 ;;
  *) stop "No Bun for the processor $(uname -m): x86_64 or aarch64 is needed" ;;
esac

# The packages for a platform hold the programs themselves. Linking them makes the install scripts of npm
# packages, which npm may or may not run, irrelevant.
has_modules() {
  [ -x "node_modules/@oven/$bun_package/bin/bun" ] && [ -x "node_modules/@biomejs/$biome_package/biome" ] &&
    cmp -s package-lock.json node_modules/.skiff-lock
}

if ! has_modules; then
  command -v npm >/dev/null || stop "npm is missing: install Node.js 18 or newer with npm"
  step "Installing the pinned Bun from npm" npm ci --ignore-scripts --no-audit --no-fund
  mkdir -p node_modules/.bin
  ln -sfn "../@oven/$bun_package/bin/bun" node_modules/.bin/bun
  ln -sfn "../@biomejs/$biome_package/biome" node_modules/.bin/biome
  cp package-lock.json node_modules/.skiff-lock
  has_modules || stop "npm installed no @oven/$bun_package or no @biomejs/$biome_package"
fi
"$bun" --version >/dev/null || stop "The Bun of node_modules does not start on this machine"
