# SPDX-License-Identifier: ISC
"""The control socket, by ddns-muxctl and by hand."""
import base64
import contextlib
import json
import os
import pathlib
import pwd
import socket
import stat
import subprocess
import tempfile

import pytest

import fake
import mux
import wire
from client import PATIENCE
from daemon_help import assert_answers, needs_root, update, wait_for
from mux import run

REQUEST_OCTETS = 512
NOBODY = 65534


@pytest.fixture
def controlled(start, targets):
    """A daemon with a control socket and two targets."""
    def enter(**settings):
        one, two = targets("one", "two")
        daemon = start([one, two], control_socket=True, **settings)
        return daemon, one, two
    return enter


# Looking


def test_status_good(controlled):
    daemon, *_ = controlled(workers=2)
    assert_answers(daemon.udp)

    def is_counted():
        found = json.loads(daemon.ctl("status", "--json"))
        return found["accepted"] == 1 and all(
            t["applied"] == 1 for t in found["targets"])
    wait_for(is_counted, "the update is not counted")
    text = daemon.ctl("status")
    assert "state      good" in text
    assert "workers    2 of 2, 0 restarts" in text
    found = json.loads(daemon.ctl("--json", "status"))
    assert found["state"] == "good" and found["accepted"] == 1
    assert [t["state"] for t in found["targets"]] == ["up", "up"]
    assert [t["applied"] for t in found["targets"]] == [1, 1]
    assert json.loads(daemon.ctl("--json", "targets")) == found["targets"]


def test_status_without_traffic(controlled):
    daemon, *_ = controlled()
    found = json.loads(daemon.ctl("status", "--json"))
    assert [t["state"] for t in found["targets"]] == ["unknown", "unknown"]
    assert found["p50_s"] is None


def test_stats(controlled):
    daemon, *_ = controlled()
    assert_answers(daemon.udp)

    def accepted():
        text = daemon.ctl("stats", "--prometheus")
        return "ddns_mux_accepted_total 1\n" in text
    wait_for(accepted, "the update is not counted")
    json.loads(daemon.ctl("stats", "--json"))
    assert daemon.ctl("stats", "--reset-view") == "counted from now on\n"
    view = daemon.ctl("stats")
    assert_answers(daemon.udp)
    wait_for(lambda: daemon.ctl("stats") != view, "nothing is counted")
    assert "ddns_mux_accepted_total 2\n" in daemon.ctl("stats",
                                                       "--prometheus")


def test_watch(controlled):
    daemon, *_ = controlled()
    command = [mux.CTL, "-s", str(daemon.socket), "watch"]
    with contextlib.ExitStack() as stack:
        text, lines = [
            stack.enter_context(subprocess.Popen(
                command + more, stdout=subprocess.PIPE, text=True))
            for more in ([], ["--json"])]
        try:
            answer_until_seen(daemon, text)
            found = json.loads(answer_until_seen(daemon, lines))
        finally:
            text.kill()
            lines.kill()
    assert found["key"] == "key.example." and found["zone"] == "example.test."
    assert found["name"] == "h1.example.test." and found["records"] == "1"
    assert found["answer"] == "NOERROR" and found["strategy"] == "all"
    assert found["targets"]["one"]["result"] == "NOERROR"
    assert set(found["targets"]) == {"one", "two"}
    # Nobody watches any more: workers are told.
    daemon.ctl("status")
    assert_answers(daemon.udp)


def answer_until_seen(daemon, watcher):
    """The workers hear of watchers a moment after these are let in."""
    os.set_blocking(watcher.stdout.fileno(), False)

    def seen():
        assert_answers(daemon.udp)
        return watcher.stdout.readline()
    return wait_for(seen, "no line")


def test_watch_escapes_names(controlled):
    """U9: octets of the wire in JSON."""
    daemon, *_ = controlled()
    with subprocess.Popen([mux.CTL, "-s", str(daemon.socket), "--json",
                           "watch"], stdout=subprocess.PIPE) as watcher:
        try:
            answer_until_seen_json(daemon, watcher)
        finally:
            watcher.kill()


def answer_until_seen_json(daemon, watcher):
    os.set_blocking(watcher.stdout.fileno(), False)
    label = bytes([7]) + b'"\\\n \xff.}'
    owner = label + wire.name(wire.ZONE)

    def is_seen():
        request = wire.sign(wire.golden(updates=[wire.address(owner)]))
        with daemon.udp_client() as client:
            client.ask(request)
        line = watcher.stdout.readline()
        return line and json.loads(line)["name"]
    name = wait_for(is_seen, "no line")
    assert name == r'\034\\\010\032\255\.}.' + wire.ZONE + "."


# Changing


def test_reload(controlled):
    daemon, one, two = controlled()
    daemon.rewrite([one], control_socket=True)
    assert daemon.ctl("reload") == "reload: target two: removed\n"
    assert daemon.ctl("reload") == "reload: no setting has changed\n"
    assert "was taken" in daemon.ctl("status")
    daemon.file.write_text("workers = 3;\nfoo = 1;\n")
    text = daemon.ctl("reload", status=1)
    assert f"{daemon.file}:2: unknown setting" in text
    assert text.endswith("not reloaded: the former configuration stays\n")
    assert "FAILED" in daemon.ctl("status")
    assert_answers(daemon.udp)


def test_disable_and_enable(controlled):
    """Not sent to, not waited for, not counted; reloads keep it so."""
    daemon, one, two = controlled()
    two.reset(fake.drop)
    assert "gets no updates" in daemon.ctl("disable", "TWO")
    assert "target two: disabled" in "\n".join(daemon.log.lines)
    assert_answers(daemon.udp)
    daemon.ctl("reload")
    assert_answers(daemon.udp)
    assert not two.received
    found = json.loads(daemon.ctl("status", "--json", status=1))
    assert found["state"] == "degraded"
    assert [t["state"] for t in found["targets"]] == ["up", "disabled"]
    two.reset()
    daemon.ctl("enable", "two")
    assert_answers(daemon.udp)
    wait_for(lambda: two.received, "it gets nothing")
    daemon.ctl("status")


def test_all_disabled(controlled):
    daemon, *_ = controlled()
    daemon.ctl("disable", "one")
    daemon.ctl("disable", "two")
    assert "state      down" in daemon.ctl("status", status=2)
    with daemon.udp_client() as client:
        assert client.at_once(update()) is None
    daemon.wait_log("every target of this zone is disabled")


def test_disabled_target_that_goes_is_forgotten(controlled):
    daemon, one, two = controlled()
    daemon.ctl("disable", "two")
    daemon.rewrite([one], control_socket=True)
    daemon.ctl("reload")
    daemon.rewrite([one, two], control_socket=True)
    daemon.ctl("reload")
    assert_answers(daemon.udp)
    assert two.received


def test_log_level(controlled):
    daemon, *_ = controlled(options=())
    mark = daemon.mark()
    assert_answers(daemon.udp)
    daemon.ctl("log-level", "info")

    def is_logged():
        assert_answers(daemon.udp)
        return daemon.log.find("update id=", mark)
    wait_for(is_logged, "no line for an update")
    assert "levels: " in daemon.ctl("log-level", "loud", status=3)


def test_words(controlled):
    daemon, *_ = controlled()
    for words in (["frobnicate"], ["status", "x"], ["disable"],
                  ["disable", "one", "two"], ["--prometheus", "status"],
                  ["--json", "reload"]):
        assert "no such command" in daemon.ctl(*words, status=3)
    assert "no such target" in daemon.ctl("disable", "three", status=3)


def test_usage():
    for words in ([], ["-x"], ["status", "a b"], ["status", ""], ["genkey"],
                  ["genkey", "a", "hmac-sha256", "b"], ["genkey", "-a"],
                  ["-s", "/x", "genkey", "a"], ["--json", "genkey", "a"]):
        done = subprocess.run([mux.CTL, *words], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 3
        assert done.stderr.rpartition("usage:")[2].count("\n") == 7


def test_nobody_there(tmp_path):
    done = subprocess.run([mux.CTL, "-s", str(tmp_path / "none"), "status"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "is ddns-mux running?" in done.stderr


# Who may


@needs_root
def test_sf8_owner_and_mode(controlled):
    daemon, *_ = controlled(user="nobody", control_group="daemon")
    found = daemon.socket.stat()
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_uid == pwd.getpwnam("nobody").pw_uid
    assert found.st_gid == 1
    os.chmod(daemon.folder, 0o755)
    daemon.ctl("log-level", "info")
    daemon.ctl("log-level", "info", user=NOBODY, group=NOBODY,
               extra_groups=[])
    # Whom the group lets in may look.
    member = dict(user=4242, group=1, extra_groups=[])
    daemon.ctl("status", **member)
    for words in (["reload"], ["disable", "one"], ["log-level", "debug"],
                  ["stats", "--reset-view"]):
        assert daemon.ctl(*words, status=3, **member) == "not permitted\n"
    assert "Permission denied" in daemon.ctl(
        "status", status=3, user=4242, group=4242, extra_groups=[])


@needs_root
def test_directory_is_made(start, targets, stack):
    """/run is empty after each boot."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    os.chmod(folder, 0o755)
    path = pathlib.Path(folder) / "ddns-mux" / "control.sock"
    daemon = start(targets("one"), control_socket=str(path), user="nobody")
    assert path.parent.stat().st_uid == NOBODY
    daemon.stop()
    assert not path.exists(), "its own directory: it can tidy up"


def test_stale_socket_is_replaced(start, targets, tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    start(targets("one"), control_socket=str(path))


def test_what_is_in_use_is_left_alone(controlled, tmp_path):
    """Another daemon's socket, and what is no socket."""
    daemon, one, _ = controlled()
    other = mux.write_secret(tmp_path / "other.conf", mux.config_text(
        [one], control_socket=str(daemon.socket)))
    done = run("-d", "-f", str(other))
    assert done.returncode == 1
    assert f"control_socket {daemon.socket}: Address already in use" \
        in done.stderr
    daemon.ctl("status")
    file = tmp_path / "file"
    file.write_text("precious")
    mux.write_secret(other, mux.config_text([one], control_socket=str(file)))
    assert run("-d", "-f", str(other)).returncode == 1
    assert file.read_text() == "precious"


# By hand


def connect(daemon):
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(daemon.socket))
    peer.settimeout(PATIENCE)
    return peer


def answer_of(peer):
    """All of it, until the end."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65536):
            found += data
    return found


def request(text):
    return text.encode().ljust(REQUEST_OCTETS, b"\0")


def test_pieces(controlled):
    daemon, *_ = controlled()
    with connect(daemon) as peer:
        for octet in request("status"):
            peer.send(bytes([octet]))
        assert answer_of(peer).startswith(b"0\nddns-mux")


@pytest.mark.parametrize("junk", [
    b"\xff" * REQUEST_OCTETS, b"status " * 100, b" " * 511 + b"\0",
    request("status\n"), request("disable " + "x" * 400), bytes(512),
    request("status --json --json"), request("a b c d e f")])
def test_sf8_junk(controlled, junk):
    daemon, *_ = controlled()
    with connect(daemon) as peer:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            peer.sendall(junk)
            peer.sendall(b"x" * 100000)
        assert answer_of(peer)[:2] in (b"3\n", b"0\n", b"")
    assert "good" in daemon.ctl("status")


def test_sf8_peers_are_limited(controlled):
    """Those that say nothing give way after a while; nothing blocks."""
    daemon, *_ = controlled()
    peers = [connect(daemon) for _ in range(14)]
    assert_answers(daemon.udp)
    for peer in peers[:8]:
        peer.close()
    with peers[8], peers[9]:
        peers[9].sendall(request("status"))
        assert answer_of(peers[9]).startswith(b"0\n")
    for peer in peers:
        peer.close()
    daemon.ctl("status")


def test_silent_peer_is_cut_off(controlled):
    daemon, *_ = controlled()
    with connect(daemon) as peer:
        peer.settimeout(10)
        assert answer_of(peer) == b""


def test_no_secret_comes_out(controlled):
    daemon, one, two = controlled()
    assert_answers(daemon.udp)
    said = daemon.ctl("status") + daemon.ctl("targets") + daemon.ctl("stats")
    said += daemon.ctl("stats", "--json") + daemon.ctl("status", "--json")
    said += daemon.ctl("stats", "--prometheus")
    daemon.rewrite([one, two], [wire.Key(wire.GOLDEN_KEY.name, b"n" * 32)],
                   control_socket=True)
    said += daemon.ctl("reload")
    assert "secret changed" in said
    for secret in (wire.GOLDEN_KEY.secret, one.key.secret, b"n" * 32):
        assert base64.b64encode(secret).decode()[:20] not in said
        assert secret.hex()[:32] not in said


# Completion


def test_completion(controlled):
    daemon, *_ = controlled()
    file = mux.ROOT / "conf" / "ddns-muxctl.bash"
    folder = str(mux.pathlib.Path(mux.CTL).parent)

    def complete(*words):
        script = (f"PATH={folder}:$PATH; . {file}; COMP_WORDS=(ddns-muxctl "
                  + " ".join(f"'{w}'" for w in words)
                  + f"); COMP_CWORD={len(words)}; _ddns_muxctl; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        done = subprocess.run(["bash", "-c", script], capture_output=True,
                              text=True, check=True)
        return done.stdout.split()
    assert complete("st") == ["status", "stats"]
    assert complete("genkey", "name", "hmac-sha5") == ["hmac-sha512"]
    assert complete("log-level", "") == ["error", "warning", "notice",
                                         "info", "debug"]
    at = ("-s", str(daemon.socket))
    assert complete(*at, "disable", "") == ["one", "two"]
    assert complete(*at, "disable", "t") == ["two"]
    assert complete(*at, "stats", "--p") == ["--prometheus"]
