#!/bin/sh
# Runs a command with PEER_ROOT (default /opt/peer: a directory tree of a distribution that has apptainer)
# as a real root directory, as its ordinary user PEER_USER (default peer; root stays root).
#   in-peer-root.sh PROGRAM ARGUMENT…
# A chroot would not do: the kernel refuses new user namespaces in one.
set -eu
[ "$(id -u)" = 0 ] || {
  echo "in-peer-root.sh: it needs root" >&2
  exit 1
}
export PEER_ROOT="${PEER_ROOT:-/opt/peer}" PEER_USER="${PEER_USER:-peer}"
# shellcheck disable=SC2016
exec unshare --mount --propagation private sh -c '
  mountpoint -q "$PEER_ROOT" || mount --rbind "$PEER_ROOT" "$PEER_ROOT"
  for name in proc sys dev; do
    mountpoint -q "$PEER_ROOT/$name" || mount --rbind "/$name" "$PEER_ROOT/$name"
  done
  cd "$PEER_ROOT"
  pivot_root . .
  umount -l .
  cd /
  [ "$PEER_USER" != root ] || exec "$@"
  home=$(getent passwd "$PEER_USER" | cut -d: -f6)
  cd "$home"
  exec setpriv --reuid "$PEER_USER" --regid "$PEER_USER" --init-groups \
    env -i HOME="$home" USER="$PEER_USER" LOGNAME="$PEER_USER" LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' sh "$@"
