"""Following hydra, for which a small package of its shape stands in: one of its parts has no wheel."""

from __future__ import annotations

import pytest

PARTS = {
    "hydra/__init__.py": "from hydra.main import main as main\n",
    "hydra/_internal/__init__.py": "",
    "hydra/_internal/utils.py": """
import argparse
from omegaconf import DictConfig

CONFIGS = {"config": {"lr": "0.1", "db": {"password": "hunter2"}}, "other": {"lr": "9"}}

def get_args_parser():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--multirun", "-m", action="store_true")
    parser.add_argument("--config-name")
    parser.add_argument("--cfg")
    parser.add_argument("--help", action="store_true")
    return parser

def _run_hydra(args, args_parser, task_function, config_path, config_name, caller_stack_depth=2):
    values = dict(CONFIGS[args.config_name or config_name])
    sweep = args.multirun or "hydra.mode=MULTIRUN" in args.overrides
    for one in args.overrides:
        name, _, value = one.partition("=")
        inner = values
        for part in name.split(".")[:-1]:
            inner = inner.setdefault(part, {})
        inner[name.split(".")[-1]] = value
    if args.cfg:
        print("shown", values)
        return
    assert not sweep or type(task_function).__name__ == "function"
    for lr in values["lr"].split(",") if sweep else [values["lr"]]:
        task_function(DictConfig({**values, "lr": lr}))
""",
    "hydra/main.py": """
import functools
from ._internal.utils import _run_hydra, get_args_parser

def main(config_path=None, config_name=None, version_base=None):
    def main_decorator(task_function):
        @functools.wraps(task_function)
        def decorated_main(cfg_passthrough=None):
            parser = get_args_parser()
            args = parser.parse_args()
            _run_hydra(args=args, args_parser=parser, task_function=task_function, config_path=config_path,
                       config_name=config_name)
        return decorated_main
    return main_decorator
""",
    "omegaconf.py": """
class DictConfig(dict):
    pass

class OmegaConf:
    @staticmethod
    def to_container(config, resolve):
        assert resolve is False
        return dict(config)

    @staticmethod
    def create(values):
        return DictConfig(values)

    @staticmethod
    def to_yaml(config):
        import yaml
        return yaml.safe_dump(dict(config))
""",
}  # fmt: skip
SCRIPT = """
    import hydra

    @hydra.main(config_path="conf", config_name="config")
    def main(cfg):
        print(cfg["lr"], cfg.get("db"))

    main()
"""


@pytest.fixture
def application(script, tmp_path):
    for name, text in PARTS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return script(SCRIPT)


def test_overrides_and_the_composed_configuration_are_recorded_and_nothing_else(application):
    ran = application.record("lr=0.5", "db.port=1")
    assert ran.output == "0.5 {'password': 'hunter2', 'port': '1'}\n"
    assert ran.values == {"overrides": ["lr=0.5", "db.port=1"]}
    assert ran.configurations == {"OmegaConf": "db:\n  password: '********'\n  port: '1'\nlr: '0.5'\n"}


@pytest.mark.parametrize("value", [["lr=0.7"], '["lr=0.7"]', "lr=0.7"])
def test_the_tasks_overrides_are_used(application, value):
    application.record("lr=0.5")
    assert application.carry_out().output.startswith("0.5 ")
    assert application.carry_out(overrides=value).output.startswith("0.7 ")


def test_a_secret_among_the_overrides_is_masked_and_left_to_the_configuration(application):
    ran = application.record("db.password=mine", "lr=0.5")
    assert "mine" in ran.output
    assert ran.values == {"overrides": ["db.password=********", "lr=0.5"]}
    assert application.carry_out().output == "0.5 {'password': 'hunter2'}\n"


def test_several_runs_stay_several(application):
    ran = application.record("-m", "lr=1,2")
    assert ran.values == {"overrides": ["lr=1,2", "hydra.mode=MULTIRUN"]}
    assert [line.split()[0] for line in application.carry_out().output.splitlines()] == ["1", "2"]


def test_the_name_of_the_configuration_is_recorded_when_it_was_given(application):
    ran = application.record("--config-name", "other")
    assert ran.values == {"overrides": [], "config_name": "other"}
    assert application.carry_out().output.startswith("9 ")


def test_a_question_to_hydra_is_no_run(application):
    ran = application.record("--cfg", "job", "lr=3")
    assert ran.output.startswith("shown")
    assert ran.values == {}


def test_overrides_that_are_not_wanted_are_left_out(application):
    ran = application.record("lr=0.5", wanted={"overrides": False})
    assert ran.output.startswith("0.5 ")
    assert ran.values == ran.configurations == {}
