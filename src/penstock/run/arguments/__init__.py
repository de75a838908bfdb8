"""Follows the command line of the user's script: what argparse, click, typer, fire and hydra make of it."""
