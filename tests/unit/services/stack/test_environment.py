import os
import sys
import sysconfig
from pathlib import Path

from services.stack import changes, environment
from services.stack.plan import ProcessSpec

PROXY = "http://proxy.example:3128"


def spec(name: str = "api", command: tuple[str, ...] = ("/bin/true",), **env: str) -> ProcessSpec:
    return ProcessSpec(name=name, command=command, env=env, cwd="/", probe="http://127.0.0.1:1/")


def test_services_see_proxies_and_certificates_and_servers_do_not() -> None:
    environ = {"https_proxy": PROXY, "SSL_CERT_FILE": "/etc/own.pem", "TZ": "Asia/Tokyo", "CUDA_VISIBLE_DEVICES": "1"}
    assert environment.of_services(environ).items() >= environ.items()
    assert set(environment.of_servers(environ)) == {"TZ", "CUDA_VISIBLE_DEVICES", "PATH"}


def test_nothing_of_a_terminal_or_of_other_programs_is_seen() -> None:
    environ = {"TERM": "xterm", "SSH_TTY": "/dev/pts/1", "PWD": "/root", "GITHUB_TOKEN": "secret", "AWS_PROFILE": "other"}
    assert set(environment.of_services(environ)) == {"PATH"}


def test_the_path_is_the_same_whether_the_environment_is_activated_or_not() -> None:
    own = str(Path(sys.executable).parent)
    plain = environment.of_servers({"PATH": "/usr/bin:/bin"})["PATH"]
    assert plain == os.pathsep.join([own, "/usr/bin", "/bin"])
    assert environment.of_servers({"PATH": f"{own}:/usr/bin:/bin"})["PATH"] == plain


def test_what_opencv_adds_when_it_is_imported_is_not_seen() -> None:
    added = f"{sysconfig.get_path('platlib')}/cv2/../../lib64:"
    assert set(environment.of_servers({"LD_LIBRARY_PATH": added})) == {"PATH"}
    assert environment.of_services({"LD_LIBRARY_PATH": f"{added}/opt/cuda/lib"})["LD_LIBRARY_PATH"] == "/opt/cuda/lib"


def test_each_cause_is_told_once_with_all_that_it_starts_again_and_without_values() -> None:
    running = {name: spec(name, http_proxy=PROXY) for name in ("api", "beat")} | {"s3": spec("s3"), "redis": spec("redis")}
    wanted = {name: spec(name, https_proxy=PROXY) for name in ("api", "beat")}
    wanted |= {"s3": spec("s3", ("/bin/false",)), "redis": spec("redis"), "triton": spec("triton")}
    assert list(changes.restart_reasons(running, wanted)) == [
        "Starting api, beat again: http_proxy, https_proxy changed",
        "Starting s3 again: how it is run changed",
    ]
    assert changes.kept(running, wanted) == wanted


def test_many_causes_are_told_in_one_word() -> None:
    assert list(changes.restart_reasons({"api": spec()}, {"api": spec(a="", b="", c="", d="")})) == [
        "Starting api again: much changed"
    ]


def test_another_search_path_alone_changes_nothing() -> None:
    running, wanted = {"api": spec(PATH="/usr/bin")}, {"api": spec(PATH="/opt/editor:/usr/bin")}
    assert list(changes.restart_reasons(running, wanted)) == []
    assert changes.kept(running, wanted) == running
    assert changes.kept(running, {"api": spec(PATH="/opt", TZ="UTC")})["api"].env == {"PATH": "/opt", "TZ": "UTC"}


def test_a_program_of_the_user_finds_ours_first_and_the_carried_clients_last() -> None:
    seen = environment.program_environment({"PATH": "/usr/bin", "TERM": "xterm"})
    first, *middle, last = seen["PATH"].split(os.pathsep)
    assert (first, middle, seen["TERM"]) == (str(Path(sys.executable).parent), ["/usr/bin"], "xterm")
    assert (Path(last) / "psql").exists()
