#!/bin/sh
# Installs Local Swarm for one user; ./install.sh --help says how.
# There are only definitions above the last line: a download that was cut short does nothing.
# This makes the environment and puts the package in; src/equip.py brings the engine and the rest.
set -eu

usage() {
    cat <<'END'
Install Local Swarm for this user, without root: ./install.sh [options] [-- arguments of run]
  --run             and then start it: local-swarm run; --run -- --port 18080 says on which port
  --uninstall       remove it; asks about models and settings, and keeps them where nobody answers
  --dry-run         only print the engine that would be taken, and what would be done
  --engine NAME     wheel, cuda, rocm, vulkan or server instead of what the machine suggests
  --with EXTRAS     extras like code,plot,semantic (semantic brings PyTorch's CPU build)
  --find-links DIR  offline: all packages come from a folder of wheels
It goes into $LOCAL_SWARM_HOME (default: ~/.local/share/local-swarm) and ~/.local/bin. A second run
upgrades. From a checkout that is installed; piped (curl -fsSL ADDRESS | sh -s -- --run) it is
$LOCAL_SWARM_SOURCE, as pip takes it (default: local-swarm). Without uv or Python 3.11 uv is fetched.
END
}

say() { printf '%s\n' "$*"; }
die() { say "install.sh: $*" >&2; exit 1; }
misuse() { say "install.sh: $*" "(./install.sh --help lists the options)" >&2; exit 2; }
quietly() { log=$("$@" 2>&1 </dev/null) || { say "$log" >&2; return 1; }; } # what it says is shown where it fails
failed() {
    free=$(df -Pk "$base" | awk 'NR == 2 { print int($4 / 1024) }')
    die "$1 failed, see above (free space in $base: $free MB); run it again to go on"
}

find_python() { # sets python to "uv" or a path; each is run: a pyenv shim may stand for nothing
    python=uv
    ! uv --version >/dev/null 2>&1 || return 0
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        python=$("$name" -I -c 'import ensurepip, venv, sys
sys.version_info < (3, 11) or print(sys.executable)' 2>/dev/null || true)
        [ -z "$python" ] || return 0
    done
    if [ "$1" = boot ] && [ "$dry" = no ] && [ -z "$links" ]; then # by an old Python's pip, else by its installer
        python=uv PATH=$base/uv/bin:$PATH
        python3 -m pip install -q --target "$base/uv" uv 2>/dev/null ||
            curl -fsSL https://astral.sh/uv/install.sh 2>/dev/null | UV_UNMANAGED_INSTALL=$base/uv/bin sh
        ! uv --version >/dev/null 2>&1 || return 0
    fi
    die "no Python 3.11 or newer with venv was found (python3 is $(python3 --version 2>&1 || say absent)).
Install one, and run this again: apt install python3 python3-venv (Debian, Ubuntu),
brew install python (macOS), pkg install python (Termux), or uv: https://docs.astral.sh/uv"
}

locate() {
    [ -n "${HOME:-}" ] || die "HOME is not set; run it as: HOME=/home/you ./install.sh"
    base=${LOCAL_SWARM_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/local-swarm}
    case $base in /*) ;; *) base=$PWD/$base ;; esac
    venv=$base/venv mark=.made-by-install.sh unfinished=$base/.unfinished
    link=$HOME/.local/bin/local-swarm checkout=''
    [ ! -f "$0" ] || checkout=$(unset CDPATH; cd -- "$(dirname -- "$0")" && pwd -P)
    grep -q '^name = "local-swarm"' "$checkout/pyproject.toml" 2>/dev/null || checkout=''
}

refuse_foreign() { # what this script did not make, before anything is changed
    to=$(readlink "$link" || true)
    [ ! -e "$link" ] && [ -z "$to" ] || [ -f "${to%/venv/bin/local-swarm}/$mark" ] || [ "$to" = "$venv/bin/local-swarm" ] ||
        die "$link was not made by this installer; move it away, and run this again: mv '$link' '$link.old'"
    [ -f "$base/$mark" ] || [ -z "$(ls -A "$venv" 2>/dev/null)" ] ||
        die "$venv was not made by this installer; move it away, or set LOCAL_SWARM_HOME to another folder"
}

make_environment() { # what a kill leaves (.unfinished), and what does not run any more, is made anew
    case $python in uv) probe='' ;; *) probe='import pip' ;; esac
    [ -e "$unfinished" ] || ! "$venv/bin/python" -I -c "$probe" 2>/dev/null || return 0
    say "- making the environment with $python"
    rm -rf "$venv" || return
    case $python in uv) quietly uv venv --python '>=3.11' "$venv" ;; *) quietly "$python" -I -m venv "$venv" ;; esac
}

install_package() { # setuptools leaves build/ and *.egg-info where it builds: it gets a copy
    say "- installing the packages (some 50 MB the first time)"
    if [ -n "$checkout" ]; then
        target=$tmp
        (cd "$checkout" && cp -R src pyproject.toml README.md LICENSE "$tmp") || return
    fi
    [ -z "$links" ] || set -- --no-index --find-links "$links"
    set -- --upgrade --force-reinstall --no-deps "$@" "$target"
    case $python in
        uv) quietly uv pip install --python "$venv/bin/python" "$@" ;;
        *) quietly "$venv/bin/python" -I -m pip install -q --no-input --disable-pip-version-check "$@" ;;
    esac
}

install_swarm() {
    refuse_foreign
    find_python boot
    target=${LOCAL_SWARM_SOURCE:-local-swarm}
    set -- "--link=$link" "--with=$extras" ${engine:+"--engine=$engine"} ${links:+"--find-links=$links"}
    if [ "$dry" = yes ]; then # the package itself brings engine and all else: before it is there a checkout can tell
        say "Would install ${checkout:-$target} into $venv, made with $python:"
        [ "$python" != uv ] || python=$(uv python find '>=3.11' 2>/dev/null) || true
        "$python" -I "$checkout/src/equip.py" --dry-run "$@" 2>/dev/null || say "- engine: chosen once the package is there"
        return
    fi
    say "Installing Local Swarm into $base"
    if ! { mkdir -p "$base" "${link%/*}" && touch "$base/$mark" && [ -w "${link%/*}" ]; }; then
        die "cannot write to $base or ${link%/*}; LOCAL_SWARM_HOME chooses another place for the first"
    fi
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/local-swarm.XXXXXX") || die "cannot make a temporary folder (TMPDIR)"
    trap 'rm -rf "$tmp"' EXIT
    trap 'say "Interrupted." >&2; exit 130' INT
    trap 'exit 143' HUP TERM
    make_environment || failed "making the environment"
    touch "$unfinished" || failed "writing to $base"
    { install_package && "$venv/bin/python" -I -m local_swarm.equip "$@" </dev/null; } ||
        { rm -f "$unfinished"; failed "installing"; }
    rm -rf "$unfinished" "$tmp" # exec runs no trap
}

uninstall_swarm() { # the program asks about models and settings, which are its own
    set --
    [ ! -f "$base/$mark" ] || set -- "$venv" "$base/uv" "$unfinished" "$base/$mark"
    [ "$(readlink "$link" || true)" != "$venv/bin/local-swarm" ] || set -- "$@" "$link"
    if [ $# -eq 0 ]; then say "Removed: nothing, there is no Local Swarm in $base"; return; fi
    if [ "$dry" = yes ]; then say "Would ask about models and settings, and remove: $*"; return; fi
    "$venv/bin/python" -I -m local_swarm.uninstall "$@" 2>/dev/null ||
        say "Kept, models or settings may be there: $base (to remove it too: rm -r '$base')"
    rm -rf "$@" || die "cannot remove $*"
    rmdir "$base" 2>/dev/null || true
    say "Removed: $*"
}

main() {
    action=install start=no dry=no engine='' extras='' links=''
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; exit ;;
            --run) start=yes ;;
            --uninstall) action=uninstall ;;
            --dry-run) dry=yes ;;
            --engine | --with | --find-links)
                [ $# -gt 1 ] || misuse "$1 needs a value"
                case $1 in --engine) engine=$2 ;; --with) extras=$2 ;; *) links=$2 ;; esac
                shift ;;
            --find-python) find_python only; say "$python"; exit ;; # for scripts/_env
            --) shift; break ;;
            *) misuse "unknown option $1; arguments of local-swarm run stand after --run --" ;;
        esac
        shift
    done
    [ $# -eq 0 ] || [ "$start" = yes ] || misuse "what stands after -- is for local-swarm run: add --run"
    [ "$start$action" != yesuninstall ] || misuse "--run and --uninstall exclude each other"
    case $engine in '' | wheel | cuda | rocm | vulkan | server) ;; *) misuse "there is no engine $engine: wheel, cuda, rocm, vulkan or server" ;; esac
    [ -z "$links" ] || links=$(cd -- "$links" 2>/dev/null && pwd -P) || misuse "--find-links: there is no such folder"
    unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT UV_SYSTEM_PYTHON
    export PIP_USER=no
    locate
    if [ "$action" = uninstall ]; then uninstall_swarm; return; fi
    install_swarm
    if [ "$start$dry" = yesno ]; then exec "$venv/bin/local-swarm" run "$@"; fi
    say "Start it with: local-swarm run $*"
}

main "$@"
