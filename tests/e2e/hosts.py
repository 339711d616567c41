# SPDX-License-Identifier: ISC
"""Hosts that exist for one test: each has a network of its own, with an
address in a common one, and its own /etc, /root, /run, /usr/local/share and
/var, which begin as this machine's.  What is written there ends with the
host."""
import pathlib
import re
import subprocess
from typing import NamedTuple

import mux
from servers import wait_until

PATH = ":".join([str(pathlib.Path(mux.BINARY).resolve().parent),
                 "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root"}
LIMIT = 30

HOST = """
mount --make-rprivate /
mount -t tmpfs none /mnt
for d in etc root usr/local/share var; do
    mkdir -p "/mnt/$d" "/mnt/$d.work"
    mount -t overlay none -o \
        "lowerdir=/$d,upperdir=/mnt/$d,workdir=/mnt/$d.work" "/$d"
done
mount -t tmpfs none /run
ip link set lo up
echo
exec cat
"""
NETWORK = """
ip link add br0 type bridge
ip link set br0 up
echo
exec cat
"""
JOIN = """
ip link add "h$1" type veth peer name eth0 netns "$2"
ip link set "h$1" master br0 up
"""


class Service(NamedTuple):
    """As the package starts it, but in the foreground."""

    command: str
    ready: str  # in its log, or "$ command" that succeeds then
    user: str = ""
    before: str = ""  # what its unit or init script prepares
    environment: dict = {}


KEA = dict(user="_kea", environment={"KEA_LOCKFILE_DIR": "/run/lock/kea"},
           before="install -d -o _kea /run/kea /run/lock/kea /var/lib/kea")
SERVICES = {
    "ddns-mux": Service("ddns-mux -dv", "notice: ready"),
    "kea-dhcp-ddns-server": Service(
        "kea-dhcp-ddns -c /etc/kea/kea-dhcp-ddns.conf",
        "$ grep -q :CF09 /proc/net/udp", **KEA),  # 53001
    "kea-dhcp4-server": Service(
        "kea-dhcp4 -c /etc/kea/kea-dhcp4.conf", "DHCP4_STARTED", **KEA),
    "knot": Service("knotd", "$ knotc status", "knot",
                    "install -d -o knot -g knot /run/knot"),
    "named": Service("named -f -u bind", "$ rndc status",
                     before="install -d -o bind -g bind /run/named"),
    "pdns": Service(
        "pdns_server --guardian=no --daemon=no --disable-syslog "
        "--log-timestamp=no --write-pid=no", "$ pdns_control rping", "pdns",
        "install -d -o pdns -g pdns /run/pdns"),
    "prometheus": Service(
        "prometheus --config.file=/etc/prometheus/prometheus.yml "
        "--storage.tsdb.path=/run/prometheus", "Server is ready",
        before="install -d -o prometheus /run/prometheus", user="prometheus"),
    "prometheus-node-exporter": Service(
        "prometheus-node-exporter", "Listening on", "prometheus"),
}
AS_USER = ("setpriv --reuid={0} --regid={0} --init-groups "
           "--inh-caps=+net_bind_service --ambient-caps=+net_bind_service ")


class Apart:
    """A process that keeps namespaces alive until its input ends."""

    def __init__(self, kinds, script):
        self.process = subprocess.Popen(
            ["unshare", *kinds, "sh", "-euc", script],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        assert self.process.stdout.readline() == b"\n", "no namespaces"
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(LIMIT)

    @property
    def pid(self):
        return str(self.process.pid)


class Network(Apart):
    def __init__(self):
        super().__init__(["-n"], NETWORK)


class Host(Apart):
    """Commands run there as a shell of root runs them."""

    def __init__(self, network, name, address):
        super().__init__(["-m", "-n"], HOST)
        self.network, self.name, self.address = network, name, address
        self.folder = "/root"
        self.running = {}

    def __enter__(self):
        super().__enter__()
        subprocess.run(["nsenter", "-t", self.network.pid, "-n", "sh", "-euc",
                        JOIN, "sh", self.address.rpartition(".")[2], self.pid],
                       check=True)
        self.run(f"ip addr add {self.address}/24 dev eth0; "
                 "ip link set eth0 up")
        return self

    def __exit__(self, *unused):
        for name in list(self.running):
            self.stop(name)
        super().__exit__()

    def enter(self, *command):
        return ["nsenter", "-t", self.pid, "-m", "-n", "--", *command]

    def shell(self, script):
        """The finished run of a script, whatever its status."""
        return subprocess.run(
            self.enter("sh", "-c", f"cd {self.folder}\n{script}"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=False,
            cwd="/", env=ENVIRONMENT)

    def run(self, script):
        done = self.shell(script)
        assert done.returncode == 0, f"{self.name}# {script}\n{done.stdout}"
        return done.stdout

    def write(self, path, text):
        """A new file, or a new content of one that keeps its mode."""
        subprocess.run(self.enter("tee", path), input=text, text=True,
                       stdout=subprocess.DEVNULL, check=True, cwd="/")

    # Services

    def start(self, name, **environment):
        service = SERVICES[name]
        prefix = AS_USER.format(service.user) if service.user else ""
        if service.before:
            self.run(service.before)
        more = [f"{k}={v}" for k, v in {**service.environment,
                                        **environment}.items()]
        process = subprocess.Popen(
            self.enter(*prefix.split(), "env", *more,
                       *service.command.split()),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd="/", start_new_session=True,
            env=ENVIRONMENT)
        process.log = mux.Log(process.stdout)
        self.running[name] = process
        if service.ready.startswith("$ "):
            wait_until(lambda: self.shell(service.ready[2:]).returncode == 0,
                       LIMIT, f"{name} on {self.name}: {process.log.tail()}")
        else:
            process.log.wait(re.escape(service.ready), LIMIT)

    def stop(self, name):
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.log.thread.join(LIMIT)

    def restart(self, name, **environment):
        if name in self.running:
            self.stop(name)
        self.start(name, **environment)

    def log(self, name):
        return self.running[name].log
