"""Without a network the pipeline works as ever, and nothing in it tries to reach one."""

import sys

import offline
import pytest
from conftest import ENVIRONMENT

pytestmark = pytest.mark.skipif(bool(offline.missing()), reason=str(offline.missing()))

# Each asks in its own way; the last one is no Python.
REACHING = {
    "a TCP connection": [sys.executable, "-c", "import socket; socket.socket().connect_ex(('192.0.2.1', 443))"],
    "a TCP connection over IPv6": [sys.executable, "-c", "import socket; socket.socket(socket.AF_INET6).connect_ex(('2001:db8::1', 443))"],
    "a datagram": [sys.executable, "-c", "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))"],
    "a name": [sys.executable, "-c", "import socket\ntry: socket.getaddrinfo('example.org', 443)\nexcept OSError: pass"],
    "a program's child": ["sh", "-c", "getent hosts example.org; true"],
}


@pytest.mark.parametrize("name", REACHING)
def test_every_attempt_is_counted(name, tmp_path):
    done, tried = offline.run_cut_off(REACHING[name], tmp_path, ENVIRONMENT)
    assert done.returncode == 0, done.stdout
    assert sum(tried.values()) > 0


def test_what_only_works_on_files_tries_nothing(tmp_path):
    done, tried = offline.run_cut_off([sys.executable, "-c", "print(1)"], tmp_path, ENVIRONMENT)
    assert (done.returncode, done.stdout, tried) == (0, "1\n", {"tcp": 0, "udp": 0})


def test_the_smoke_study_is_planned_without_network(copy):
    done, tried = offline.run_cut_off(copy.command("all", "--dry-run", "--cores", "2"), copy.folder, ENVIRONMENT)
    assert done.returncode == 0, done.stdout
    assert "Job stats:" in done.stdout and tried == {"tcp": 0, "udp": 0}


def test_the_smoke_study_was_made_without_network(smoke):
    # All jobs and their children, llama.cpp's programs among them: the fixture runs them where no network is.
    assert smoke.tried == {"tcp": 0, "udp": 0}
