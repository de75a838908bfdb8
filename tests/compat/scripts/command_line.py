"""Hyper-parameters: the command line, as argparse reads it."""

import argparse

from clearml import Task

task = Task.init(project_name="Compat", task_name="command line")
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1, help="how often")
parser.add_argument("--rate", type=float, default=0.1)
parser.add_argument("--fast", action="store_true")
args = parser.parse_args()
print("epochs", args.epochs, "fast", args.fast)
