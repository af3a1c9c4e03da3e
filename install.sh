#!/bin/sh
# Installs Local Swarm for one user; ./install.sh --help says how.
# There are only definitions above the last line: a download that was cut short does nothing.
set -eu

usage() {
    cat <<'END'
Install Local Swarm for this user, without root: ./install.sh [options] [-- arguments of run]
  --run             and then start it: local-swarm run; --run -- --port 18080 says on which port
  --uninstall       remove it; asks about models and settings, and keeps them where nobody answers
  --dry-run         only print the engine that would be taken, and what would be done
  --engine NAME     wheel, cuda, rocm or vulkan instead of what the machine suggests
  --with EXTRAS     extras like code,plot,semantic (semantic brings PyTorch's CPU build)
  --find-links DIR  offline: all packages come from a folder of wheels
  curl -fsSL ADDRESS | sh -s -- --run    piped: options stand after sh -s --
It goes into $LOCAL_SWARM_HOME (default: ~/.local/share/local-swarm) and ~/.local/bin. A second run
upgrades. From a checkout that checkout is installed; a piped script installs $LOCAL_SWARM_SOURCE,
a requirement as pip takes it (default: local-swarm). Needs uv or Python 3.11+, else uv is fetched.
END
}

say() { printf '%s\n' "$*"; }
die() { say "install.sh: $*" >&2; exit 1; }
misuse() { say "install.sh: $*" "(./install.sh --help lists the options)" >&2; exit 2; }
has() { command -v "$1" >/dev/null 2>&1; }
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

probe='import sys; print("Python %d.%d" % sys.version_info[:2], end="")
import ensurepip, venv; print(" at " + sys.executable if sys.version_info >= (3, 11) else "")'

find_python() { # sets python to "uv" or a path; each is run: a pyenv shim may stand for nothing
    seen=''
    if uv --version >/dev/null 2>&1; then python=uv; return; fi
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        found=$("$name" -I -c "$probe" 2>/dev/null || true)
        case $found in *' at /'*) python=${found#* at }; return ;; ?*) seen="$seen${seen:+, }$found" ;; esac
    done
    [ "${1:-}" = boot ] && [ "$dry" = no ] && [ -z "$links" ] && boot_uv && return
    die "no Python 3.11 or newer with venv was found${seen:+ (only $seen, too old or without venv)}.
Install one, and run this again: apt install python3 python3-venv (Debian, Ubuntu),
brew install python (macOS), pkg install python (Termux), or uv: https://docs.astral.sh/uv"
}
boot_uv() { # by an old Python's pip, else by uv's own installer; uv brings its Python along
    if python3 -m pip --version >/dev/null 2>&1; then
        mkdir -p "$base" && python3 -m pip install -q --target "$base/uv" uv && PATH=$base/uv/bin:$PATH
    elif has curl; then
        mkdir -p "$base" && curl -fsSL https://astral.sh/uv/install.sh | UV_UNMANAGED_INSTALL=$base/uv/bin sh && PATH=$base/uv/bin:$PATH
    fi
    uv --version >/dev/null 2>&1 && python=uv
}

# The engine by what the machine is, the first line that fits. root stands before /proc and /sys.
choose_engine() {
    system=$(uname -s) machine=$(uname -m) root=${LOCAL_SWARM_ROOT:-} server=''
    ! has llama-server || server=$(command -v llama-server)
    cards=$(for card in "$root"/sys/class/drm/card[0-9]*; do
        case $(readlink "$card/device" 2>/dev/null || true) in *0000:00:02.0) continue ;; esac # Intel's own
        cat "$card/device/vendor" 2>/dev/null || true
    done)
    why="$system $machine" hint='' rocm=6.4.1
    case $(cat "$root/opt/rocm/.info/version" 2>/dev/null || true) in 7*) rocm=7.2.4 ;; esac
    if [ -n "$engine" ]; then why="as given with --engine"
    elif [ -n "${TERMUX_VERSION:-}" ]; then engine=server why=Termux hint='pkg install llama-cpp'
    elif [ "$system" = Darwin ]; then engine=wheel why="$why, Metal"
    elif [ "$system" != Linux ]; then engine=server hint='brew install llama.cpp, or build it'
    elif has nvidia-smi && nvidia-smi -L >/dev/null 2>&1; then engine=cuda why="NVIDIA graphics"
    elif [ -e "$root/dev/kfd" ] && case $cards in *0x1002*) ;; *) false ;; esac; then engine=rocm why="AMD graphics, ROCm"
    elif case $cards in *0x1002* | *0x8086*) has vulkaninfo ;; *) false ;; esac; then engine=vulkan why="graphics, Vulkan"
    elif case $machine in aarch64 | arm64) ;; x86_64 | amd64) grep -qw avx2 "$root/proc/cpuinfo" ;; *) false ;; esac; then
        engine=wheel why="$why, the processor"
    else
        engine=server why="$why without AVX2: no wheel fits"
        hint='your distribution may have llama.cpp (apt install llama.cpp), or build it: apt install git cmake g++'
    fi
    case $engine in
        cuda) index=$wheels/cu128 ;; rocm) index=$wheels/rocm-$rocm ;; vulkan) index=$wheels/vulkan ;; *) index='' ;;
    esac
    say "- engine: $engine ($why)"
    [ -z "$index" ] || [ -z "$links" ] || { index='' && say "  offline: the wheel in $links is taken as it is"; }
    [ "$engine" != server ] || say "  ${server:-$hint}; local-swarm run takes the llama-server on your PATH"
}
wheels=https://xorbitsai.github.io/xllamacpp/whl

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

refuse_foreign() { # what this script did not make, before anything is changed
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
    [ ! -e "$base/.unfinished" ] && "$venv/bin/python" -I -c 'import sys
sys.exit(sys.prefix == sys.base_prefix or sys.version_info < (3, 11))' 2>/dev/null || return 1
    [ "$python" = uv ] || "$venv/bin/python" -I -m pip --version >/dev/null 2>&1
}

make_environment() {
    say "- making the environment with $python"
    [ ! -e "$venv" ] || run rm -rf "$venv" || return # broken or half-made
    case $python in uv) quietly uv venv --python '>=3.11' "$venv" ;; *) quietly "$python" -I -m venv "$venv" ;; esac
}

# Installs with pip or uv; where a folder of wheels was given nothing else is asked.
pip() {
    [ -z "$links" ] || set -- --no-index --find-links "$links" "$@"
    case $python in
        uv) quietly uv pip install --python "$venv/bin/python" "$@" ;;
        *) PIP_USER=no quietly "$venv/bin/python" -I -m pip install -q --no-input --disable-pip-version-check "$@" ;;
    esac
}

# setuptools leaves build/ and *.egg-info where it builds, so it gets a copy of the checkout.
copy_checkout() { mkdir "$tmp/source" && (cd "$checkout" && cp -R src pyproject.toml README.md LICENSE "$tmp/source"); }

install_package() {
    target=${LOCAL_SWARM_SOURCE:-local-swarm}
    say "- installing the packages (some 50 MB the first time)"
    if [ -n "$checkout" ]; then target=$tmp/source; run copy_checkout || return; fi
    case ,$extras, in
        *,semantic,*) [ -n "$links" ] || [ "$system" != Linux ] || pip --index-url https://download.pytorch.org/whl/cpu torch || return ;;
    esac
    case $python in
        uv) pip --upgrade-package local-swarm --reinstall-package local-swarm "$target${extras:+[$extras]}" || return ;;
        *) pip --upgrade "$target${extras:+[$extras]}" || return
            # The same version may hold other code; only a directory does pip take anew by itself.
            [ -n "$checkout" ] || pip --force-reinstall --no-deps "$target" || return ;;
    esac
    [ -z "$index" ] || graphics_wheel || say "  the $engine wheel does not work here: the processor computes instead"
}

graphics_wheel() { # in place of the one for the processor, which comes back where it fails
    version=$(run "$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("xllamacpp"))') || return
    if [ "$python" = uv ]; then again=--reinstall-package=xllamacpp; else again=--force-reinstall; fi
    pip "$again" --no-deps --index-url "$index" 'xllamacpp>=2026.9,<2027' &&
        quietly "$venv/bin/python" -c 'import xllamacpp; xllamacpp.get_device_info()' && return
    pip "$again" --no-deps "xllamacpp==$version" || true
    return 1
}

install_swarm() {
    refuse_foreign
    choose_engine
    find_python boot
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
    case ":${PATH:-}:" in *":${link%/*}:"*) return ;; esac
    say "${link%/*} is not on your PATH; add this line to your shell's profile:
  export PATH=\"\$HOME/.local/bin:\$PATH\""
}

uninstall_swarm() {
    found=''
    if [ "$(readlink "$link" || true)" = "$venv/bin/local-swarm" ]; then
        found=$link
        quietly "$link" service uninstall || true
        run rm -f "$link" || die "cannot remove $link"
    fi
    if [ -f "$base/$mark" ]; then
        found="${found:+$found, }$venv"
        run rm -rf "$venv" "$base/uv" "$base/.unfinished" || die "cannot remove $venv"
        run rm -f "$base/$mark"
        run rmdir "$base" 2>/dev/null || true
    fi
    [ "$dry" = yes ] || say "Removed: ${found:-nothing, there is no Local Swarm in $base}"
    for kept in "$base" "${XDG_STATE_HOME:-$HOME/.local/state}/local-swarm" "$HOME/Library/Application Support/local-swarm"; do
        [ -d "$kept" ] || continue
        answer=n
        if [ -t 0 ]; then
            printf 'Remove models and settings in %s (%s) too? [y/N] ' "$kept" "$(du -sh "$kept" | cut -f 1)"
            read -r answer || say
        fi
        case $answer in
            [yY]*) run rm -rf "$kept" || die "cannot remove $kept" ;;
            *) say "Kept, models or logs are there: $kept (to remove it too: rm -r '$kept')" ;;
        esac
    done
}

main() {
    action=install start=no dry=no engine='' extras='' links='' index='' system=''
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
            --find-python) find_python; say "$python"; exit ;; # for scripts/_env
            --) shift; break ;;
            *) misuse "unknown option $1; arguments of local-swarm run stand after --run --" ;;
        esac
        shift
    done
    [ $# -eq 0 ] || [ "$start" = yes ] || misuse "what stands after -- is for local-swarm run: add --run"
    [ "$start$action" != yesuninstall ] || misuse "--run and --uninstall exclude each other"
    case $engine in '' | wheel | cuda | rocm | vulkan) ;; *) misuse "there is no engine $engine: wheel, cuda, rocm or vulkan" ;; esac
    [ -z "$links" ] || links=$(cd -- "$links" 2>/dev/null && pwd -P) || misuse "--find-links: there is no such folder"
    unset PYTHONPATH PYTHONHOME PIP_TARGET PIP_PREFIX PIP_ROOT UV_SYSTEM_PYTHON
    locate
    if [ "$action" = uninstall ]; then uninstall_swarm; exit; fi
    install_swarm
    if [ "$start" = no ]; then say "Start it with: local-swarm run"; exit; fi
    cleanup # exec runs no trap
    run exec "$venv/bin/local-swarm" run "$@"
}

main "$@"
