# SPDX-License-Identifier: ISC
"""Code that runs with a network or with mounts of its own."""
import concurrent.futures
import ctypes
import os
import subprocess

MOUNTS, NETWORK = 0x20000, 0x40000000  # CLONE_NEWNS, CLONE_NEWNET


def apart(kinds, body):
    """Runs body in a thread apart: what it starts is there, too."""
    def run():
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(kinds) == -1:
            raise OSError(ctypes.get_errno(), "unshare")
        return body()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def sh(script, *args):
    done = subprocess.run(["sh", "-eu", "-c", script, "sh", *args],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def own_dev(folder):
    """/dev becomes this folder, with a few devices and nothing else."""
    sh("""mount --make-rprivate /
          mount -t tmpfs none "$1"
          for n in null zero full random urandom; do
              : >"$1/$n"
              mount --bind "/dev/$n" "$1/$n"
          done
          mount --rbind "$1" /dev""", str(folder))
