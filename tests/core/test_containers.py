"""What a task may ask of a container, and the command line that comes of it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.containers import ARGUMENTS, Allowed, Checked, Mount, check, command
from penstock.core.errors import Forbidden, Invalid, PenstockError
from penstock.core.task import Container

DIGEST = f"sha256:{'0a' * 32}"
ALL = Allowed(images=("python:*", "ghcr.io/acme/*", "localhost:5000/**", "**"), arguments=tuple(ARGUMENTS))


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("python", "python"),
        ("python:3.11", "python:3.11"),
        ("python:*", "python:3.11-slim"),
        ("python:3.*", "python:3.11"),
        ("python*", f"python:3.11@{DIGEST}"),
        ("ghcr.io/acme/*", "ghcr.io/acme/train:1.0"),
        ("ghcr.io/*/train:1", "ghcr.io/acme/train:1"),
        ("localhost:5000/**", "localhost:5000/a/b/c:1"),
        ("ghcr.io/acme/**", "ghcr.io/acme/a"),
    ],
)
def test_an_image_that_fits_a_pattern_is_allowed(pattern, image):
    assert check(Container(image=image), Allowed(images=(pattern,))) == Checked(image=image)


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("python", "python:3.11"),
        ("python:*", "python:5000/evil"),  # a host called python
        ("python:*", "python"),
        ("python:*", "evil/python:3"),
        ("*", "evil.org/python"),
        ("ghcr.io/acme/*", "ghcr.io/acme/a/b"),
        ("ghcr.io/acme/**", "ghcr.io/acme"),
        ("ghcr.io/acme/**", "ghcr.io/acmeevil/x"),
        ("ghcr.io/**", "ghcr.io.evil.org/x"),
        ("localhost:5000/**", "localhost:5001/x"),
        ("a.b/x", "acb/x"),  # a point is a point
        ("**", "a/b"),
    ],
)
def test_an_image_that_fits_none_is_refused_and_it_is_said_how_to_allow_it(pattern, image):
    with pytest.raises(Forbidden) as caught:
        check(Container(image=image), Allowed(images=(pattern,)))
    assert repr(image) in caught.value.message
    assert repr(image) in str(caught.value.hint)
    assert "[agent.containers]" in str(caught.value.hint)


def test_nothing_is_allowed_that_nobody_allowed():
    with pytest.raises(Forbidden, match="allowed: none"):
        check(Container(image="python:3.11"), Allowed())
    with pytest.raises(Forbidden, match="--cpus is not allowed") as caught:
        check(Container(image="python:3", arguments="--cpus=2"), Allowed(images=("python:*",)))
    assert "'cpus'" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("--cpus=2 --memory 4g", ("--cpus=2", "--memory=4g")),
        ("-e A=1 --env 'B=two words; $(id)' --env=C=", ("--env=A=1", "--env=B=two words; $(id)", "--env=C=")),
        ("--shm-size=2G --init --read-only=true", ("--shm-size=2G", "--init", "--read-only=true")),
        ("-m 512m -h box -l team=a --label b", ("--memory=512m", "--hostname=box", "--label=team=a", "--label=b")),
        ("--ulimit nofile=1024:2048 --pids-limit 100", ("--ulimit=nofile=1024:2048", "--pids-limit=100")),
        ("--platform linux/arm64 --memory-swap=1g", ("--platform=linux/arm64", "--memory-swap=1g")),
    ],
)
def test_allowed_arguments_come_out_in_one_form(text, expected):
    assert check(Container(image="python:3", arguments=text), ALL).arguments == expected


IMAGES = [
    *("", " ", "-", "--privileged", "-v", "--rm", "-it", "python -v /:/x", "python\n--privileged", "python\t-v", "\0"),
    *("Python", "python:", "python:3:4", "python@", "python@sha256:ab", "python@md5:ab", ":3", "@", "/", "/python"),
    *("python/", "a//b", "../python", "./python", "a/../b", "python:..", "python:-x", "http://h/python", "h:x/python"),
    *("python;id", "python|id", "python&id", "$(id)", "`id`", "${HOME}", "python'", 'python"', "python\\", "python*"),
    *("a" * 600, "python:" + "x" * 200, "python:3 ", " python:3", "python:3\x00", "pyth\u00f6n", "user@host/python"),
    *("docker://python", "oci-archive:/etc/passwd", "dir:/etc", "containers-storage:x/y z", "python:3#x", "python?x"),
]
BAD_ARGUMENTS = [
    *("--privileged", "--privileged=true", "-v /:/host", "--volume=/:/host", "--volume /:/host", "--mount type=bind"),
    *("--mount=type=bind,src=/,dst=/x", "--volumes-from other", "--tmpfs /x", "--network=host", "--network host"),
    *("--net=host", "--net host", "--pid=host", "--pid host", "--ipc=host", "--uts=host", "--userns=host"),
    *("--device=/dev/sda", "--device /dev/mem", "--device-cgroup-rule=x", "--gpus=all", "--runtime=x", "--cap-add=ALL"),
    *("--cap-add ALL", "--security-opt=seccomp=unconfined", "--security-opt apparmor=unconfined", "--group-add=0"),
    *("--cgroupns=host", "--cgroup-parent=/", "--sysctl=x=y", "--entrypoint=/bin/sh", "--user=0", "-u 0", "-w /x"),
    *(
        "--env-file=/etc/shadow",
        "--env-file /etc/shadow",
        "--label-file=/etc/shadow",
        "--cidfile=/tmp/x",
        "--pidfile=/x",
    ),
    *("--log-driver=x", "--log-opt=x", "--rootfs", "--hooks-dir=/x", "--init-path=/x", "--storage-opt=x", "--name=x"),
    *("-d", "--detach", "-it", "-i", "-t", "--rm", "-p 80:80", "--publish=80:80", "-P", "--expose=1", "--link=x"),
    *(
        "--add-host=x:1",
        "--dns=1.1.1.1",
        "--restart=always",
        "--pull=always",
        "--oom-kill-disable",
        "--oom-score-adj=-1",
    ),
    *("--env HOME", "--env=HOME", "-e HOME", "-eA=1", "--env=PENSTOCK_HOME=/x", "-e PENSTOCK_KEY=x", "--env==x"),
    *(
        "--env=A-B=1",
        "--env=1A=1",
        "--env='A=\n'",
        "--env",
        "--cpus",
        "--cpus=",
        "--cpus=all",
        "--cpus=-1",
        "--cpus=1e9",
    ),
    *("--memory=4gb", "--memory=-1", "--memory=4g --privileged", "--memory='4g --privileged'", "--memory=$(id)"),
    *("--hostname=-x", "--hostname='a b'", "--label=", "--label==x", "--init=false", "--init=x", "--read-only=/", "--"),
    *("-", "-- evil/image", "evil/image", "python:3", "--cpus=1 evil", "; id", "&& id", "| id", "`id`", "$(id)"),
    *("'--privileged'", '"--privileged"', "--pri\\vileged", "--'privileged'", "'", '"', "--cpus='1", "\\"),
    *(
        "--ulimit=nofile",
        "--ulimit=x=1",
        "--ulimit=nofile=-1",
        "--platform=linux",
        "--platform=../x",
        "--pids-limit=-1",
    ),
    *("--CPUS=1", "--cpu", "--cpus\u200b=1", "-m", "-m=", "---cpus=1", "-cpus=1", "—cpus=1", "--shm-size='1g\n'"),
]


def test_the_corpus_is_a_corpus():
    assert len(set(IMAGES)) + len(set(BAD_ARGUMENTS)) >= 150


@pytest.mark.parametrize("image", IMAGES)
def test_what_is_no_image_is_refused_whatever_is_allowed(image):
    with pytest.raises(PenstockError) as caught:
        check(Container(image=image), Allowed(images=("*", "*/*", "**", image)))
    assert caught.value.hint


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS)
def test_no_argument_that_opens_the_container_is_taken_from_a_task_even_if_the_owner_lists_it(arguments):
    names = (*ARGUMENTS, *(word.lstrip("-").partition("=")[0] for word in arguments.split()))
    with pytest.raises((Invalid, Forbidden)):
        check(Container(image="python:3", arguments=arguments), Allowed(images=("python:*",), arguments=names))


def test_a_setup_script_is_a_text_with_an_end():
    for script in ("a\0b", "x" * 100_001):
        with pytest.raises(Invalid, match="setup script"):
            check(Container(image="python:3", setup_script=script), ALL)


def test_the_command_line_has_the_image_behind_all_options_and_the_program_behind_it():
    found = check(Container(image="python:3", arguments="--cpus 2"), ALL)
    mounts = (Mount(folder="/a b", inside="/c"), Mount(folder="/d", writable=True))
    line = command("podman", found, ["run", "x"], name="penstock-ab", mounts=mounts, always=("--network=none",))
    image = line.index("python:3")
    assert line[:2] == ["podman", "run"]
    assert {"--rm", "--interactive", "--name=penstock-ab", "--hostname=penstock-ab", "--user=0"} <= set(line[:image])
    assert {"--entrypoint=/bin/sh", "--security-opt=no-new-privileges", "--log-driver=none"} <= set(line[:image])
    assert line[image - 4 : image] == [
        "--mount=type=bind,source=/a b,target=/c,readonly",
        "--mount=type=bind,source=/d,target=/d",
        "--cpus=2",
        "--network=none",
    ]
    assert line[-2:] == ["run", "x"]


@pytest.mark.parametrize("folder", ["relative", "/a,b", '/a"b', "/a'b", "/a\nb", "/a\0b", ""])
def test_a_folder_that_could_be_taken_for_more_than_a_folder_is_not_mounted(folder):
    with pytest.raises(Invalid, match="cannot be mounted"):
        command("docker", Checked(image="python:3"), [], name="x", mounts=(Mount(folder=folder),))


def run_inside(line, image="python:3", **given):
    """Run what a command line runs in its container, without one."""
    return subprocess.run(["/bin/sh", *line[line.index(image) + 1 :]], capture_output=True, check=False, **given)


def test_a_setup_script_runs_before_the_program_which_takes_its_place_and_has_input_and_output_for_itself():
    found = check(Container(image="python:3", setup_script="MARK=set\nexport MARK\necho loud\ncat"), ALL)
    line = command("docker", found, ["sh", "-c", 'cat; echo "$MARK $1"', "sh", "a b; id"], name="x")
    done = run_inside(line, input=b"in ")
    assert (done.stdout, done.stderr) == (b"in set a b; id\n", b"loud\n")


def test_a_setup_script_that_fails_ends_it_there():
    found = check(Container(image="python:3", setup_script="false"), ALL)
    done = run_inside(command("docker", found, ["echo", "no"], name="x"))
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("name", ["", "-x", "a b", "--privileged", "a/b", "a\n"])
def test_a_container_has_a_plain_name(name):
    with pytest.raises(Invalid):
        command("docker", Checked(image="python:3"), [], name=name)


@given(
    image=st.text(st.sampled_from("abz09.:/-_@ \n$*")),
    arguments=st.lists(
        st.one_of(
            st.sampled_from([f"--{name}" for name in ARGUMENTS]),
            st.sampled_from(["--privileged", "-v", "--mount", "-e", "A=1", "2", "4g", "/:/x", "x=y"]),
            st.text(max_size=8),
        )
    ),
)
def test_whatever_is_asked_for_every_word_before_the_image_is_one_that_the_owner_allowed(image, arguments):
    try:
        found = check(Container(image=image, arguments=" ".join(arguments)), ALL)
    except (Invalid, Forbidden):
        return
    line = command("docker", found, ["run"], name="x")
    fixed = command("docker", Checked(image=found.image), ["run"], name="x")
    start = fixed.index(found.image)
    image = start + len(found.arguments)
    assert (line[:start], line[image:]) == (fixed[:start], fixed[start:])
    assert all(one.startswith("--") and one[2:].partition("=")[0] in ARGUMENTS for one in line[start:image])
