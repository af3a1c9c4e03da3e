#!/bin/sh
# Installs Local Swarm for one user; ./install.sh --help says how.
# There are only definitions above the last line: a download that was cut short does nothing.
set -eu

usage() {
    cat <<'EOF'
Install Local Swarm for this user: no root, no compiler. Needs uv, or Python 3.11+ with venv.

  ./install.sh                         install, or upgrade what is installed
  ./install.sh --run                   and then start it: local-swarm run
  ./install.sh --run -- --port 18080   what stands after -- goes to local-swarm run
  ./install.sh --uninstall             remove it; models and settings are kept
  ./install.sh --dry-run               only print what would be done
  curl -fsSL ADDRESS | sh -s -- --run  piped: options stand after sh -s --

It goes into $LOCAL_SWARM_HOME (default: ~/.local/share/local-swarm) and ~/.local/bin.
From a checkout that checkout is installed; a piped script installs $LOCAL_SWARM_SOURCE,
a requirement as pip takes it (a name, a wheel, a URL; default: local-swarm).
EOF
}

say() { printf '%s\n' "$*"; }
die() { say "install.sh: $*" >&2; exit 1; }
misuse() { say "install.sh: $*" "(./install.sh --help lists the options)" >&2; exit 2; }
run() { if [ "$dry" = yes ]; then say "  would run: $*"; else "$@"; fi; }
quietly() { # what a command says is shown only where it fails
    log=$(run "$@" 2>&1 </dev/null) || { say "$log" >&2; return 1; }
    [ "$dry" = no ] || say "$log"
}
failed() {
    free=$(df -Pk "$base" | awk 'NR == 2 { print int($4 / 1024) " MB" }')
    die "$1 failed, see above (free space in $base: $free); run it again to go on"
}

# Nothing half-made stays. Only pip, and only from Ctrl-C, rolls back by itself; else .unfinished
# stays, and the next run makes the environment anew.
python='' tmp='' unfinished='' halflink=''
cleanup() { rm -rf "$tmp" "$halflink"; }
trap cleanup EXIT
trap '[ "$python" = uv ] || rm -f "$unfinished"; say "Interrupted." >&2; exit 130' INT
trap 'exit 143' HUP TERM

probe='import sys
print("Python %d.%d" % sys.version_info[:2], end="")
import ensurepip, venv
print(" at " + sys.executable if sys.version_info >= (3, 11) else "")'

# Sets python to "uv" or a Python's path. Each is run: a pyenv shim may stand for nothing.
find_python() {
    seen=''
    if uv --version >/dev/null 2>&1; then python=uv; return; fi
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        found=$("$name" -I -c "$probe" 2>/dev/null || true)
        case $found in
            *' at /'*) python=${found#* at }; return ;;
            ?*) seen="$seen${seen:+, }$found" ;;
        esac
    done
    die "no Python 3.11 or newer with venv was found${seen:+ (only $seen, too old or without venv)}.
Install one, and run this again:
  Debian, Ubuntu: apt install python3 python3-venv
  macOS:          brew install python
  anywhere:       uv, https://docs.astral.sh/uv (brings its own Python)"
}

locate() {
    [ -n "${HOME:-}" ] || die "HOME is not set; run it as: HOME=/home/you ./install.sh"
    base=${LOCAL_SWARM_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/local-swarm}
    case $base in /*) ;; *) base=$PWD/$base ;; esac
    venv=$base/venv mark=.made-by-install.sh link=$HOME/.local/bin/local-swarm checkout=''
    if [ -f "$0" ]; then
        checkout=$(unset CDPATH; cd -- "$(dirname -- "$0")" && pwd -P)
        grep -q '^name = "local-swarm"' "$checkout/pyproject.toml" 2>/dev/null || checkout=''
    fi
}

# Refuses what this script did not make, before anything is changed.
refuse_foreign() {
    if [ -L "$link" ] || [ -e "$link" ]; then
        to=$(readlink "$link" || true)
        [ "$to" = "$venv/bin/local-swarm" ] || [ -f "${to%/venv/bin/local-swarm}/$mark" ] ||
            die "$link${to:+ -> $to} was not made by this installer.
Move it away, and run this again: mv '$link' '$link.old'"
    fi
    [ -f "$base/$mark" ] || [ -z "$(ls -A "$venv" 2>/dev/null)" ] ||
        die "$venv was not made by this installer; move it away, or set LOCAL_SWARM_HOME to another folder"
}

writable() {
    run mkdir -p "$1" || die "cannot make $1; $2"
    [ "$dry" = yes ] || [ -w "$1" ] || die "cannot write to $1; $2"
}

healthy() {
    [ ! -e "$base/.unfinished" ] || return 1
    "$venv/bin/python" -I -c 'import sys
sys.exit(sys.prefix == sys.base_prefix or sys.version_info < (3, 11))' 2>/dev/null || return 1
    [ "$python" = uv ] || "$venv/bin/python" -I -m pip --version >/dev/null 2>&1
}

make_environment() {
    say "- making the environment with $python"
    [ ! -e "$venv" ] || run rm -rf "$venv" || return # broken or half-made
    case $python in
        uv) quietly uv venv --python '>=3.11' "$venv" ;;
        *) quietly "$python" -I -m venv "$venv" ;;
    esac
}

pip() { PIP_USER=no "$venv/bin/python" -I -m pip -q --no-input --disable-pip-version-check "$@"; }

# setuptools leaves build/ and *.egg-info where it builds, so it gets a copy of the checkout.
copy_checkout() {
    mkdir "$tmp/source" && (cd "$checkout" && cp -R src pyproject.toml README.md LICENSE "$tmp/source")
}

install_package() {
    target=${LOCAL_SWARM_SOURCE:-local-swarm}
    say "- installing the packages (some 50 MB the first time)"
    if [ -n "$checkout" ]; then target=$tmp/source; run copy_checkout || return; fi
    case $python in
        uv) quietly uv pip install --python "$venv/bin/python" --upgrade-package local-swarm \
            --reinstall-package local-swarm "$target" ;;
        *) quietly pip install --upgrade "$target" || return
            # The same version may hold other code; only a directory does pip take anew by itself.
            [ -n "$checkout" ] || quietly pip install --force-reinstall --no-deps "$target" ;;
    esac
}

install_swarm() {
    refuse_foreign
    find_python
    say "Installing Local Swarm into $base"
    writable "$base" "choose another place with LOCAL_SWARM_HOME"
    writable "${link%/*}" "the command is put there"
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/local-swarm.XXXXXX") || die "cannot make a temporary folder (TMPDIR)"
    run touch "$base/$mark" || failed "writing to $base"
    healthy || make_environment || failed "making the environment"
    unfinished=$base/.unfinished
    run touch "$unfinished" || failed "writing to $base"
    install_package || { rm -f "$unfinished"; failed "installing the packages"; }
    run rm -f "$unfinished"
    say "- trying it, and linking it as $link"
    run "$venv/bin/local-swarm" version </dev/null || die "it is installed but does not start, see above"
    halflink=$link.$$
    run ln -s "$venv/bin/local-swarm" "$halflink" || failed "linking"
    run mv -f "$halflink" "$link" || failed "linking"
    case ":${PATH:-}:" in
        *":${link%/*}:"*) ;;
        *) say "${link%/*} is not on your PATH; add this line to your shell's profile:
  export PATH=\"\$HOME/.local/bin:\$PATH\"" ;;
    esac
}

uninstall_swarm() {
    found=''
    if [ "$(readlink "$link" || true)" = "$venv/bin/local-swarm" ]; then
        found=$link
        run rm -f "$link" || die "cannot remove $link"
    fi
    if [ -f "$base/$mark" ]; then
        found="${found:+$found, }$venv"
        run rm -rf "$venv" "$base/.unfinished" || die "cannot remove $venv"
        run rm -f "$base/$mark"
        run rmdir "$base" 2>/dev/null || true
    fi
    [ "$dry" = yes ] || say "Removed: ${found:-nothing, there is no Local Swarm in $base}"
    for kept in "$base" "${XDG_STATE_HOME:-$HOME/.local/state}/local-swarm" \
        "$HOME/Library/Application Support/local-swarm"; do
        [ ! -d "$kept" ] || say "Kept, models or logs are there: $kept (to remove it too: rm -r '$kept')"
    done
}

main() {
    action=install start=no dry=no
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; exit ;;
            --run) start=yes ;;
            --uninstall) action=uninstall ;;
            --dry-run) dry=yes ;;
            --find-python) find_python; say "$python"; exit ;; # for scripts/_env
            --) shift; break ;;
            *) misuse "unknown option $1; arguments of local-swarm run stand after --run --" ;;
        esac
        shift
    done
    [ $# -eq 0 ] || [ "$start" = yes ] || misuse "what stands after -- is for local-swarm run: add --run"
    [ "$start$action" != yesuninstall ] || misuse "--run and --uninstall exclude each other"
    unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT UV_SYSTEM_PYTHON
    locate
    if [ "$action" = uninstall ]; then uninstall_swarm; exit; fi
    install_swarm
    if [ "$start" = no ]; then say "Start it with: local-swarm run"; exit; fi
    cleanup # exec runs no trap
    run exec "$venv/bin/local-swarm" run "$@"
}

main "$@"
