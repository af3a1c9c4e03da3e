"""Programs that try to get out of a sandbox, one way each, and the world around that they try.

Each runs after PRELUDE with what `World.told` says, and calls `escaped()` when it got through.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRELUDE = """
import ctypes, json, os, socket, sys
told = json.loads(sys.argv[1])
outside, victim = told["outside"], told["victim"]
libc = ctypes.CDLL(None, use_errno=True)
def escaped(what=""):
    print("ESCAPED", what, flush=True)
def call(number, *arguments):
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return libc.syscall(ctypes.c_long(number), *wide)
X86 = os.uname().machine == "x86_64"
def main():
    for name, source in json.loads(sys.argv[2]).items():
        out, into = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(out)
            os.dup2(into, 1)
            os.close(into)
            try:
                exec(source, globals())
            except BaseException as error:
                print(type(error).__name__, error, isinstance(error, (OSError, ValueError)))
            sys.stdout.flush()
            os._exit(0)
        os.close(into)
        text = b""
        while data := os.read(out, 4096):
            text += data
        os.close(out)
        _, status = os.waitpid(pid, 0)
        print(json.dumps([name, status, text.decode(errors="replace")]), flush=True)
main()
"""

# Those that end what runs beside them: each gets a sandbox of its own.
DEADLY = ("kills everything", "kills its parents")

CASES = {
    "reads a file outside": 'print(open(outside + "/secret").read()); escaped()',
    "reads /etc/shadow": 'open("/etc/shadow").read(); escaped()',
    "lists home": 'os.listdir(told["home"] + "/.ssh"); escaped()',
    "reads the home of its user": """
for name in ("/root/.bashrc", "/root/.profile", told["home"] + "/.bashrc"):
    try: open(name).read(); escaped(name)
    except OSError: pass
""",
    "writes outside": 'open(outside + "/new", "w").write("x")',
    "overwrites outside": 'open(outside + "/secret", "w").write("x")',
    "truncates outside": 'os.truncate(outside + "/secret", 0)',
    "removes outside": 'os.unlink(outside + "/secret")',
    "renames outside": 'os.rename(outside + "/secret", outside + "/renamed")',
    "links a secret in": 'os.link(outside + "/secret", "linked"); open("linked").read(); escaped()',
    "follows its own symlink": 'os.symlink(outside + "/secret", "s"); open("s").read(); escaped()',
    "writes through a symlink": 'os.symlink(outside, "d"); open("d/new", "w").write("x")',
    "climbs by dots": 'open("../" * 9 + outside + "/secret").read(); escaped()',
    "climbs by /proc/self/root": 'open("/proc/self/root" + outside + "/secret").read(); escaped()',
    "climbs by another's root": """
open(f"/proc/{victim}/root" + outside + "/secret").read(); escaped()
""",
    "climbs by another's folder": 'open(f"/proc/{victim}/cwd/secret").read(); escaped()',
    "changes modes outside": 'os.chmod(outside + "/secret", 0o777)',
    "changes times outside": 'os.utime(outside + "/secret", (1, 1))',
    "changes attributes outside": 'os.setxattr(outside + "/secret", "user.x", b"1")',
    "reads another's environment": """
text = open(f"/proc/{victim}/environ").read()
if "VICTIM" in text: escaped()
""",
    "reads another's command line": """
if b"victim" in open(f"/proc/{victim}/cmdline", "rb").read(): escaped()
""",
    "reads another's memory": 'open(f"/proc/{victim}/mem", "rb"); escaped()',
    "signals another": "os.kill(victim, 0); escaped()",
    "kills another": "os.kill(victim, 9)",
    "kills everything": "os.kill(-1, 9)",
    "kills its parents": """
for each in (os.getppid(), 1):
    try: os.kill(each, 9)
    except OSError: pass
""",
    "traces another": """
if call(101 if X86 else 117, 16, victim, 0, 0) == 0: escaped()  # PTRACE_ATTACH
""",
    "reads memory across": """
from ctypes import c_size_t, c_void_p, create_string_buffer
if call(310 if X86 else 270, victim, None, 0, None, 0, 0) == 0: escaped()
""",
    "opens another by pidfd": "os.pidfd_open(victim); escaped()",
    "limits another": """
import resource
resource.prlimit(victim, resource.RLIMIT_NOFILE, (1, 1)); escaped()
""",
    "connects by TCP": 'socket.create_connection(("127.0.0.1", told["tcp"]), 2); escaped()',
    "sends by UDP": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", told["udp"])); escaped()
""",
    "asks a name server": """
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.53", 53)); escaped()
""",
    "opens a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); escaped()",
    "opens a packet socket": "socket.socket(17, socket.SOCK_RAW, 0); escaped()",
    "opens a netlink socket": "socket.socket(16, socket.SOCK_RAW, 0); escaped()",
    "opens a vsock": "socket.socket(40, socket.SOCK_STREAM, 0); escaped()",
    "connects by IPv6": "socket.socket(socket.AF_INET6, socket.SOCK_STREAM); escaped()",
    "connects to a unix socket": 'socket.socket(socket.AF_UNIX).connect(told["unix"]); escaped()',
    "connects to an abstract socket": """
socket.socket(socket.AF_UNIX).connect("\\0" + told["abstract"]); escaped()
""",
    "points a pair elsewhere": """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.sendto(b"x", "\\0" + told["abstract"] + "-d"); escaped()
""",
    "points a stream pair elsewhere": """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
a.connect("\\0" + told["abstract"]); escaped()
""",
    "uses io_uring": """
if call(425, 8, ctypes.create_string_buffer(120)) >= 0: escaped()
""",
    "makes namespaces": "\nif libc.unshare(0x10000000) == 0: escaped()\n",
    "clones into a namespace": """
pid = call(56 if X86 else 220, 0x10000000 | 17, 0, 0, 0, 0)
if pid == 0: os._exit(0)
if pid > 0: escaped()
""",
    "mounts": """
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0: escaped()
""",
    "changes its root": 'os.chroot("."); escaped()',
    "changes the kernel": 'open("/proc/sys/kernel/core_pattern", "w").write("|/x"); escaped()',
    "asks the kernel to crash": 'open("/proc/sysrq-trigger", "w"); escaped()',
    "reads the disk": """
for name in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/mem", "/dev/kmsg"):
    try: open(name, "rb").read(1); escaped(name)
    except OSError: pass
""",
    "makes a device": 'os.mknod("disk", 0o060600, os.makedev(254, 0)); escaped()',
    "becomes root": """
for each in (os.setuid, os.setgid, os.setegid, os.seteuid):
    try: each(0 if os.getuid() else 1); escaped(each.__name__)
    except OSError: pass
""",
    "gives itself a set-user-id program": """
import shutil
shutil.copyfile("/usr/bin/id", "id")
for each in (0o4755, 0o2755):
    try: os.chmod("id", each); escaped(each)
    except OSError: pass
    try: os.close(os.open(f"id{each}", os.O_CREAT | os.O_WRONLY, each)); escaped(each)
    except OSError: pass
""",
    "types into the terminal": """
import fcntl
for fd in (0, 1, 2):
    try: fcntl.ioctl(fd, 0x5412, b"x"); escaped()
    except OSError: pass
open("/dev/tty", "w"); escaped()
""",
    "leaves shared memory": """
try: open("/dev/shm/local-swarm-left", "w").write("x")
except OSError: pass
if call(29 if X86 else 194, 0x5157, 4096, 0o1666) >= 0: escaped("shmget")
""",
    "leaves a file in /tmp": 'open("/tmp/local-swarm-left", "w").write("x")',
    "uses an inherited descriptor": """
for fd in range(3, 1024):
    try: os.fstat(fd); escaped(fd)
    except OSError: pass
""",
    "reads standard input": "\nif sys.stdin.read(): escaped()\n",
    "asks for signals to another": """
import fcntl
r, w = os.pipe()
fcntl.fcntl(r, fcntl.F_SETOWN, victim); fcntl.fcntl(r, 10, 9)
fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK); os.write(w, b"x")
""",
    "uses bpf": "\nif call(321 if X86 else 280, 0, None, 0) >= 0: escaped()\n",
    "uses the key ring": """
if call(250 if X86 else 219, 0, -3 & 0xFFFFFFFF, 1) > 0: escaped()
""",
    "calls as another machine": """
if X86:
    page = libc.mmap
    page.restype = ctypes.c_void_p
    at = page(None, 4096, 7, 0x22, -1, 0)
    # mov eax, 102; int 0x80 (socketcall of 32 bits); ret
    ctypes.memmove(at, b"\\xb8\\x66\\0\\0\\0\\xcd\\x80\\xc3", 8)
    ctypes.CFUNCTYPE(ctypes.c_int)(at)()
    escaped()
""",
    "faults in user space": """
if call(323 if X86 else 282, 1) >= 0: escaped()
open("/dev/userfaultfd", "rb"); escaped()
""",
    "runs a program from memory": """
fd = os.memfd_create("x", 0)
os.write(fd, f"#!/bin/sh\\ncat {outside}/secret; echo > {outside}/new".encode())
r, w = os.pipe()
if os.fork() == 0:
    os.dup2(w, 1); os.set_inheritable(fd, True); os.execve(fd, ["x"], {})
os.close(w); text = os.read(r, 999); os.wait()
if b"secret" in text: escaped()
""",
    "traces its own child": """
if call(101 if X86 else 117, 0, 0, 0, 0) == 0: escaped()  # PTRACE_TRACEME
""",
    "writes another's memory": """
open(f"/proc/{victim}/mem", "r+b"); escaped()
""",
    "reads another's descriptors": """
os.listdir(f"/proc/{victim}/fd"); open(f"/proc/{victim}/fd/0"); escaped()
""",
    "reads another's maps": 'open(f"/proc/{victim}/maps").read(1); escaped()',
    "takes another's descriptor": """
if call(438, victim, 0, 0) >= 0: escaped()
""",
    "signals another by queue": """
info = ctypes.create_string_buffer(128)
if call(129 if X86 else 138, victim, 0, info) == 0: escaped()
""",
    "slows another": """
for what in (lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
             lambda: os.sched_setaffinity(victim, {0}),
             lambda: os.sched_setscheduler(victim, os.SCHED_IDLE, os.sched_param(0))):
    try: what(); escaped()
    except OSError: pass
if call(251 if X86 else 30, 1, victim, 3 << 13) == 0: escaped("ioprio_set")
""",
    "has another killed when memory ends": """
for each in (victim, os.getppid(), 1):
    try: open(f"/proc/{each}/oom_score_adj", "w").write("1000"); escaped(each)
    except OSError: pass
""",
    "saves itself when memory ends": """
open("/proc/self/oom_score_adj", "w").write("-1000"); escaped()
""",
    "speaks to the bus": """
for path in ("/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket",
             f"/run/user/{os.getuid()}/bus", "/run/systemd/private", "/run/docker.sock"):
    try: socket.socket(socket.AF_UNIX).connect(path); escaped(path)
    except OSError: pass
""",
    "opens any socket": """
for family in range(1, 50):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind).close(); escaped((family, kind))
        except OSError: pass
""",
    "listens": """
socket.create_server(("127.0.0.1", 0)); escaped()
""",
    "opens any pair": """
for family in range(2, 50):
    try: socket.socketpair(family, socket.SOCK_STREAM); escaped(family)
    except OSError: pass
""",
    "opens terminals": """
for name in ["/dev/ptmx", "/dev/pts/ptmx", "/dev/console", "/dev/tty0", "/dev/vcs"] + [
        f"/dev/pts/{n}" for n in range(9)]:
    try: os.open(name, os.O_RDWR | os.O_NOCTTY); print(name)
    except OSError: continue
    if not name.endswith("ptmx"): escaped(name)
""",
    "opens kernel devices": """
for name in ("fuse", "kvm", "net/tun", "loop-control", "uinput", "vhost-net", "vhost-vsock", "port",
             "mapper/control", "dri/card0", "snapshot", "hpet", "watchdog", "nvidiactl", "ppp"):
    try: os.open("/dev/" + name, os.O_RDWR); escaped(name)
    except OSError: pass
""",
    "leaves its limits": """
for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/tmp/cgroup"):
    try: os.mkdir(root + "/local-swarm"); escaped(root)
    except OSError: pass
    try: open(root + "/cgroup.procs", "w").write("0"); escaped(root)
    except OSError: pass
import resource
for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_DATA):
    try: resource.setrlimit(what, (resource.RLIM_INFINITY,) * 2); escaped(what)
    except (OSError, ValueError): pass
""",
    "writes to the kernel's files": """
for name in ("/sys/power/state", "/sys/kernel/mm/ksm/run", "/proc/sys/vm/drop_caches",
             "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe", "/proc/irq/0/smp_affinity",
             "/sys/kernel/uevent_helper", "/proc/sys/fs/binfmt_misc/register"):
    try: os.close(os.open(name, os.O_WRONLY)); escaped(name)
    except OSError: pass
""",
    "maps ids anew": """
for name in ("uid_map", "gid_map", "setgroups"):
    try: open(f"/proc/self/{name}", "w").write("0 0 1"); escaped(name)
    except OSError: pass
""",
    "enters namespaces by descriptor": """
for name in ("mnt", "net", "pid", "user"):
    try: fd = os.open(f"/proc/{victim}/ns/{name}", os.O_RDONLY)
    except OSError: continue
    if call(308 if X86 else 268, fd, 0) == 0: escaped(name)
""",
    "mounts the new way": """
for number in (428, 429, 430, 433, 442):
    if call(number, -100, b"/", 0, 0, 0) >= 0: escaped(number)
""",
    "opens by handle": """
handle = ctypes.create_string_buffer(136); handle[0] = b"\\x80"; mount = ctypes.c_int()
libc.name_to_handle_at(-100, (outside + "/secret").encode(), handle, ctypes.byref(mount), 0)
if call(304 if X86 else 265, os.open(".", 0), handle, 0) >= 0: escaped()
""",
    "asks for ports and clocks": """
if X86 and call(173, 0x80, 1, 1) == 0: escaped("ioperm")
import time
try: time.clock_settime(time.CLOCK_REALTIME, time.time()); escaped("clock")
except OSError: pass
try: socket.sethostname("evil"); escaped("host name")
except OSError: pass
""",
    "leaves queues": """
if call(240 if X86 else 180, b"local-swarm-left", 0o102, 0o600, None) >= 0: escaped("mq")
for number in ((64, 190), (68, 186)):
    if call(number[0 if X86 else 1], 0x5158, 1, 0o1666) >= 0: escaped(number)
""",
    "makes a file of a terabyte": """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
fd = os.open("huge", os.O_CREAT | os.O_RDWR)
for what in (lambda: os.truncate("huge", 1 << 40), lambda: os.ftruncate(fd, 1 << 40),
             lambda: os.posix_fallocate(fd, 1 << 40, 1), lambda: os.pwrite(fd, b"x", 1 << 40)):
    try: what(); escaped()
    except OSError: pass
""",
    "moves the workspace away": """
here = os.getcwd()
for what in (lambda: os.rename(here, here + "2"), lambda: os.rmdir(here),
             lambda: os.rename("../" + os.path.basename(here), outside + "/in")):
    try: what(); escaped()
    except OSError: pass
""",
    "outlives by a subreaper": """
libc.prctl(36, 1, 0, 0, 0); libc.prctl(1, 0, 0, 0, 0)
if os.fork() == 0:
    try: os.setsid()
    except OSError: pass
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        import time; time.sleep(1.5)
        open("outlived", "w").write("x")
    os._exit(0)
""",
    "passes descriptors in": """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
socket.send_fds(a, [b"x"], [os.open("/", os.O_RDONLY)])
[fd] = socket.recv_fds(b, 1, 1)[1]
os.fchdir(fd); open("." + outside + "/secret").read(); escaped()
""",
    "runs a set-user-id program": """
import subprocess
for name in ("su", "sudo", "mount", "passwd", "newgrp", "pkexec", "fusermount"):
    for each in ("/usr/bin/", "/bin/"):
        told = [each + name, "-c", "id"]
        try: said = subprocess.run(told, capture_output=True, input=b"", timeout=3)
        except (OSError, subprocess.SubprocessError): continue
        if b"uid=0(" in said.stdout and os.getuid(): escaped(name)
""",
    "splices from outside": """
r, w = os.pipe()
fd = os.open(outside + "/secret", os.O_PATH)
os.splice(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY), w, 99); escaped()
""",
    "watches by fanotify": """
if call(300 if X86 else 262, 0, 0) >= 0: escaped()
""",
    "loads its own filter first": """
libc.prctl(38, 1, 0, 0, 0)
import struct
allow = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
held = ctypes.create_string_buffer(allow); head = struct.pack("HxxxxxxQ", 1, ctypes.addressof(held))
call(317 if X86 else 277, 1, 0, head)
socket.socket(socket.AF_INET, socket.SOCK_STREAM); escaped()
""",
    "makes x32 calls": """
if X86 and call(0x40000000 | 41, 2, 1, 0) >= 0: escaped()
""",
}


@dataclass(frozen=True, slots=True)
class World:
    """What is to stay whole: a folder with a secret, a process, and listeners."""

    outside: Path
    victim: subprocess.Popen[bytes]
    listeners: dict[str, socket.socket]

    @property
    def told(self) -> str:
        """What a hostile program is told, as JSON."""
        return json.dumps(
            {
                "outside": str(self.outside),
                "victim": self.victim.pid,
                "home": str(Path.home()),
                "tcp": self.listeners["tcp"].getsockname()[1],
                "udp": self.listeners["udp"].getsockname()[1],
                "unix": self.listeners["unix"].getsockname(),
                "abstract": self.listeners["abstract"].getsockname()[1:].decode(),
            }
        )

    def check(self) -> None:
        """Nothing was taken, changed or left."""
        assert {each.name for each in self.outside.iterdir()} == {"secret", "unix"}
        secret = self.outside / "secret"
        assert secret.read_text() == "a secret"
        assert secret.stat().st_mode & 0o7777 == 0o600
        assert secret.stat().st_mtime > 1e9
        assert os.listxattr(secret) == []
        assert self.victim.poll() is None
        for name in ("/dev/shm/local-swarm-left", "/tmp/local-swarm-left"):
            assert not Path(name).exists()
        for listener in self.listeners.values():
            with contextlib.suppress(BlockingIOError):
                listener.recv(1) if listener.type == socket.SOCK_DGRAM else listener.accept()
                raise AssertionError("something reached a listener")


@contextlib.contextmanager
def world(folder: Path) -> Iterator[World]:
    """Sets the world up in `folder`, whose modes it leaves alone."""
    outside = folder / "outside"
    outside.mkdir()
    (outside / "secret").write_text("a secret")
    (outside / "secret").chmod(0o600)
    abstract = f"\0local-swarm-{os.getpid()}-{folder.name}"
    listeners: dict[str, tuple[int, int, Any]] = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(outside / "unix")),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, abstract),
        "abstract-d": (socket.AF_UNIX, socket.SOCK_DGRAM, abstract + "-d"),
    }
    opened: dict[str, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        for name, (family, kind, address) in listeners.items():
            opened[name] = stack.enter_context(socket.socket(family, kind))
            opened[name].bind(address)
            opened[name].setblocking(False)
            if kind == socket.SOCK_STREAM:
                opened[name].listen()
        victim = subprocess.Popen(
            [sys.executable, "-c", "input()", "victim"],
            cwd=outside,
            stdin=subprocess.PIPE,
            env={"VICTIM": "1"},
        )
        stack.enter_context(victim)
        stack.callback(victim.kill)
        yield World(outside, victim, opened)
