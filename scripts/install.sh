#!/bin/sh
# Installs what npm run build made:  PREFIX=/usr/local sh scripts/install.sh [--links]
#   PREFIX      where it will run from (default /usr/local)
#   DESTDIR     a directory that stands for / while packaging
#   SYSCONFDIR  default PREFIX/etc, for PREFIX=/usr /etc
#   --links     also bin/singularity and bin/apptainer, as which skiff behaves as that program
#   --uninstall removes the files of the last installation under PREFIX; a changed configuration stays
set -eu
. "$(dirname -- "$0")/progress.sh"
prefix=${PREFIX:-/usr/local}
prefix=${prefix%/}
destdir=${DESTDIR:-}
case $prefix in
  /usr) sysconfdir=${SYSCONFDIR:-/etc} ;;
  *) sysconfdir=${SYSCONFDIR:-$prefix/etc} ;;
esac
case $prefix$sysconfdir in /*) ;; *) stop "PREFIX and SYSCONFDIR are absolute paths" ;; esac
list=$prefix/share/skiff/installed-files
conf=$sysconfdir/skiff/skiff.conf

uninstall() {
  [ -f "$destdir$list" ] || stop "Nothing to remove: there is no $destdir$list"
  while IFS= read -r path; do
    if [ "$path" = "$conf" ] && ! cmp -s dist/skiff.conf "$destdir$path"; then
      say "Kept: $path"
      continue
    fi
    rm -f -- "$destdir$path"
  done <"$destdir$list"
  rm -f -- "$destdir$list"
  for directory in "$prefix/libexec/skiff" "$prefix/share/skiff" "$sysconfdir/skiff"; do
    rmdir -- "$destdir$directory" 2>/dev/null || :
  done
}

links=no
for word in "$@"; do
  case $word in
    --links) links=yes ;;
    --uninstall)
      uninstall
      exit
      ;;
    *) stop "Unknown word: $word (--links, --uninstall)" ;;
  esac
done
[ -x dist/skiff ] || stop "There is no dist/skiff: npm run build makes it"

mkdir -p "$destdir$prefix/share/skiff"
: >"$destdir$list.new"

# put MODE SOURCE PATH: a running skiff keeps its old file, since the new one only takes over the name.
put() {
  mkdir -p "$(dirname -- "$destdir$3")"
  install -m "$1" "$2" "$destdir$3.new"
  mv -f "$destdir$3.new" "$destdir$3"
  printf '%s\n' "$3" >>"$destdir$list.new"
}

link() {
  ln -sfn skiff "$destdir$prefix/bin/$1"
  printf '%s\n' "$prefix/bin/$1" >>"$destdir$list.new"
}

put 755 dist/skiff "$prefix/bin/skiff"
put 755 dist/libexec/skiff/starter "$prefix/libexec/skiff/starter"
put 755 dist/libexec/skiff/bash "$prefix/libexec/skiff/bash"
for page in dist/man/man1/*.1; do
  put 644 "$page" "$prefix/share/man/man1/${page##*/}"
done
put 644 dist/completions/bash/skiff "$prefix/share/bash-completion/completions/skiff"
put 644 dist/completions/zsh/_skiff "$prefix/share/zsh/site-functions/_skiff"
put 644 dist/completions/fish/skiff.fish "$prefix/share/fish/vendor_completions.d/skiff.fish"

# The interpreter that images name in their first line.
link run-singularity
if [ "$links" = yes ]; then
  link singularity
  link apptainer
fi

# A site's policy stays in force: neither an own file nor a peer's is covered by a new default one.
theirs=
for file in /etc/apptainer/apptainer.conf /etc/singularity/singularity.conf; do
  [ ! -e "$destdir$file" ] || theirs=$file
done
if [ -e "$destdir$conf" ]; then
  if [ -f "$destdir$list" ] && grep -qxF "$conf" "$destdir$list"; then
    printf '%s\n' "$conf" >>"$destdir$list.new"
  fi
  say "Kept: $conf"
elif [ -n "$theirs" ]; then
  say "No $conf written: $theirs is in force"
else
  put 644 dist/skiff.conf "$conf"
fi

# What an earlier version or --links had put there and this installation did not.
if [ -f "$destdir$list" ]; then
  grep -vxFf "$destdir$list.new" "$destdir$list" | while IFS= read -r path; do
    rm -f -- "$destdir$path"
  done
fi
mv -f "$destdir$list.new" "$destdir$list"
say "Installed below $destdir$prefix; the list of files: $destdir$list"
