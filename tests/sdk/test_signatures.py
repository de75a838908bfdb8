"""The names, arguments and defaults that users of the documented API write, class by class.

An argument of our own comes behind the documented ones, and is listed here. What is public and not documented is listed
too, and so is what is documented and not there: nothing is gained or lost by accident.
"""

from __future__ import annotations

import inspect

import pytest

from penstock import (
    Artifact,
    Dataset,
    InputModel,
    Logger,
    Model,
    OutputModel,
    PipelineController,
    PipelineDecorator,
    StorageManager,
    Task,
)
from penstock.sdk.absent import Absent, NotDataset, NotLogger, NotModel, NotStorage, NotTask

NOTHING = ""
FIGURE = "title, series, {}, iteration=None"
MATRIX = "xlabels=None, ylabels=None, yaxis_reversed=False"
SCRIPT = (
    "repo=None, branch=None, commit=None, script=None, working_directory=None, packages=None, requirements_file=None, "
    "docker=None, docker_args=None, docker_bash_setup_script=None, argparse_args=None"
)
MONITORS = "monitor_metrics=None, monitor_artifacts=None, monitor_models=None, time_limit=None"
CALLBACKS = "continue_on_fail=False, pre_execute_callback=None, post_execute_callback=None, cache_executed_step=False"

DOCUMENTED = {
    PipelineController: {
        "__init__": "name, project, version=None, pool_frequency=0.2, add_pipeline_tags=False, target_project=True, "
        "auto_version_bump=None, abort_on_failure=False, add_run_number=True, retry_on_failure=None, docker=None, "
        "docker_args=None, docker_bash_setup_script=None, packages=None, repo=None, repo_branch=None, "
        "repo_commit=None, always_create_from_code=True, artifact_serialization_function=None, "
        "artifact_deserialization_function=None, output_uri=None, skip_global_imports=False, working_dir=None, "
        "enable_local_imports=True",
        "add_parameter": "name, default=None, description=None, param_type=None",
        "get_parameters": NOTHING,
        "add_step": "name, base_task_id=None, parents=None, parameter_override=None, configuration_overrides=None, "
        f"task_overrides=None, execution_queue=None, {MONITORS}, base_task_project=None, base_task_name=None, "
        f"clone_base_task=True, {CALLBACKS}, base_task_factory=None, retry_on_failure=None, "
        "status_change_callback=None, recursively_parse_parameters=False, output_uri=None, continue_behaviour=None, "
        "stage=None",
        "add_function_step": "name, function, function_kwargs=None, function_return=None, project_name=None, "
        "task_name=None, task_type=None, auto_connect_frameworks=None, auto_connect_arg_parser=None, packages=None, "
        "repo=None, repo_branch=None, repo_commit=None, helper_functions=None, docker=None, docker_args=None, "
        f"docker_bash_setup_script=None, parents=None, execution_queue=None, {MONITORS}, {CALLBACKS}, "
        "retry_on_failure=None, status_change_callback=None, tags=None, output_uri=None, draft=False, "
        "working_dir=None, continue_behaviour=None, stage=None",
        "set_default_execution_queue": "default_execution_queue",
        "set_pipeline_execution_time_limit": "max_execution_minutes",
        "start": "queue='services', step_task_created_callback=None, step_task_completed_callback=None, wait=True",
        "start_locally": "run_pipeline_steps_locally=False",
        "create_draft": NOTHING,
        "stop": "timeout=None, mark_failed=False, mark_aborted=False",
        "wait": "timeout=None",
        "is_running": NOTHING,
        "elapsed": NOTHING,
        "is_successful": "fail_on_step_fail=True, fail_condition='all'",
        "get_pipeline_dag": NOTHING,
        "get_processed_nodes": NOTHING,
        "get_running_nodes": NOTHING,
        "update_execution_plot": NOTHING,
        "connect_configuration": "configuration, name=None, description=None",
        "get_logger": NOTHING,
        "upload_model": "model_name, model_local_path, upload_uri=None",
        "upload_artifact": "name, artifact_object, metadata=None, delete_after_upload=False, auto_pickle=None, "
        "preview=None, wait_on_upload=False, serialization_function=None, sort_keys=True",
        "create": f"project_name, task_name, {SCRIPT}, force_single_script_file=False, version=None, "
        "add_run_number=True, binary=None, module=None, detect_repository=True",
        "clone": "pipeline_controller, name=None, comment=None, parent=None, project=None, version=None",
        "enqueue": "pipeline_controller, queue_name=None, queue_id=None, force=False",
        "get": "pipeline_id=None, pipeline_project=None, pipeline_name=None, pipeline_version=None, "
        "pipeline_tags=None, shallow_search=False",
        "add_tags": "tags",
    },
    PipelineDecorator: {
        "component": "_func=None, return_values=('return_object',), name=None, cache=False, packages=None, "
        "parents=None, execution_queue=None, continue_on_fail=False, docker=None, docker_args=None, "
        "docker_bash_setup_script=None, task_type=None, auto_connect_frameworks=None, auto_connect_arg_parser=None, "
        "repo=None, repo_branch=None, repo_commit=None, helper_functions=None, monitor_metrics=None, "
        "monitor_artifacts=None, monitor_models=None, retry_on_failure=None, pre_execute_callback=None, "
        "post_execute_callback=None, status_change_callback=None, tags=None, output_uri=None, draft=False, "
        "working_dir=None, continue_behaviour=None, stage=None",
        "pipeline": "_func=None, name, project, version=None, return_value=None, default_queue=None, "
        "pool_frequency=0.2, add_pipeline_tags=False, target_project=None, abort_on_failure=False, "
        "pipeline_execution_queue='services', multi_instance_support=False, add_run_number=True, args_map=None, "
        "start_controller_locally=False, retry_on_failure=None, docker=None, docker_args=None, "
        "docker_bash_setup_script=None, packages=None, repo=None, repo_branch=None, repo_commit=None, "
        "artifact_serialization_function=None, artifact_deserialization_function=None, output_uri=None, "
        "skip_global_imports=False, working_dir=None, enable_local_imports=True",
        "set_default_execution_queue": "default_execution_queue",
        "run_locally": NOTHING,
        "debug_pipeline": NOTHING,
        "get_current_pipeline": NOTHING,
        "wait_for_multi_pipelines": NOTHING,
    },
    Task: {
        "init": "project_name=None, task_name=None, task_type='training', tags=None, reuse_last_task_id=True, "
        "continue_last_task=False, output_uri=None, auto_connect_arg_parser=True, auto_connect_frameworks=True, "
        "auto_resource_monitoring=True, auto_connect_streams=True, deferred_init=False",
        "current_task": NOTHING,
        "get_task": "task_id=None, project_name=None, task_name=None, tags=None, allow_archived=True, task_filter=None",
        "get_tasks": "task_ids=None, project_name=None, task_name=None, tags=None, allow_archived=True, "
        "task_filter=None",
        "query_tasks": "project_name=None, task_name=None, tags=None, additional_return_fields=None, task_filter=None",
        "create": f"project_name=None, task_name=None, task_type=None, {SCRIPT}, base_task_id=None, "
        "add_task_init_call=True, force_single_script_file=False, binary=None, module=None, detect_repository=True",
        "clone": "source_task=None, name=None, comment=None, parent=None, project=None",
        "enqueue": "task, queue_name=None, queue_id=None, force=False",
        "dequeue": "task",
        "execute_remotely": "queue_name=None, clone=False, exit_process=True",
        "close": NOTHING,
        "reset": "set_started_on_success=False, force=False",
        "delete": "delete_artifacts_and_models=True, skip_models_used_by_other_tasks=True, raise_on_error=False, "
        "force=False",
        "mark_started": "force=False",
        "mark_stopped": "force=False, status_message=None",
        "mark_completed": "ignore_errors=True, status_message=None, force=False",
        "mark_failed": "ignore_errors=True, status_reason=None, status_message=None, force=False",
        "mark_stop_request": "force=False, status_message=None",
        "publish": "ignore_errors=True",
        "set_archived": "archive",
        "get_archived": NOTHING,
        "set_progress": "progress",
        "get_progress": NOTHING,
        "wait_for_status": "status=('completed', 'stopped', 'closed'), raise_on_status=('failed',), "
        "check_interval_sec=60.0",
        "set_parent": "parent",
        "set_name": "name",
        "rename": "new_name",
        "move_to_project": "new_project_id=None, new_project_name=None",
        "add_tags": "tags",
        "set_tags": "tags",
        "get_tags": NOTHING,
        "set_comment": "comment",
        "set_script": "repository=None, branch=None, commit=None, diff=None, working_dir=None, entry_point=None",
        "set_repo": "repo=None, branch=None, commit=None",
        "set_packages": "packages",
        "add_requirements": "package_name, package_version=None",
        "set_base_docker": "docker_image=None, docker_arguments='', docker_setup_bash_script=''",
        "set_user_properties": "*iterables, **properties",
        "get_user_properties": "value_only=False",
        "export_task": NOTHING,
        "import_task": "task_data, target_task=None, update=False",
        "connect": "mutable, name=None, ignore_remote_overrides=False",
        "connect_configuration": "configuration, name=None, description=None, ignore_remote_overrides=False",
        "set_parameters": "*dicts, **parameters",
        "update_parameters": "*dicts, **parameters",
        "set_parameter": "name, value, description=None, value_type=None",
        "get_parameter": "name, default=None, cast=False",
        "get_parameters": "backwards_compatibility=True, cast=False",
        "get_parameters_as_dict": "cast=False",
        "set_parameters_as_dict": "dictionary",
        "delete_parameter": "name",
        "set_configuration_object": "name, config_text=None, description=None, config_type=None, config_dict=None",
        "get_configuration_object": "name",
        "get_configuration_objects": NOTHING,
        "get_configuration_object_as_dict": "name",
        "upload_artifact": "name, artifact_object, metadata=None, delete_after_upload=False, auto_pickle=None, "
        "preview=None, wait_on_upload=False, extension_name=None, serialization_function=None, retries=0, "
        "sort_keys=True",
        "reload": NOTHING,
        "get_logger": NOTHING,
        "get_status": NOTHING,
        "get_reported_scalars": "max_samples=0, x_axis='iter'",
        "get_last_scalar_metrics": NOTHING,
        "get_reported_console_output": "number_of_reports=1",
        "get_reported_plots": NOTHING,
        "get_executed_queue": "return_name=False",
        "set_project": "project_id=None, project_name=None",
        "get_models": NOTHING,
        "update_output_model": "model_path, name=None, comment=None, tags=None, model_name=None, iteration=None, "
        "auto_delete_file=True",
        "ignore_requirements": "package_name",
        "is_current_task": NOTHING,
        "is_main_task": NOTHING,
        "register_artifact": "name, artifact, metadata=None, uniqueness_columns=True",
        "unregister_artifact": "name",
        "get_registered_artifacts": NOTHING,
        "set_random_seed": "random_seed",
        "set_credentials": "api_host=None, web_host=None, files_host=None, key=None, secret=None, "
        "store_conf_file=False",
        "set_offline": "offline_mode=False",
        "is_offline": NOTHING,
    },
    Logger: {
        "current_logger": NOTHING,
        "report_scalar": "title, series, value, iteration",
        "report_single_value": "name, value",
        "report_text": "msg, level=20, print_console=True",
        "report_table": "title, series, iteration=None, table_plot=None, csv=None, url=None, extra_layout=None",
        "report_plotly": "title, series, figure, iteration=None",
        "report_matplotlib_figure": f"{FIGURE.format('figure')}, report_image=False, report_interactive=True",
        "report_histogram": f"{FIGURE.format('values')}, labels=None, xlabels=None, xaxis=None, yaxis=None, mode=None, "
        "data_args=None, extra_layout=None",
        "report_vector": f"{FIGURE.format('values')}, labels=None, xlabels=None, xaxis=None, yaxis=None, mode=None, "
        "extra_layout=None",
        "report_line_plot": "title, series, xaxis, yaxis, mode='lines', iteration=None, reverse_xaxis=False, "
        "comment=None, extra_layout=None",
        "report_scatter2d": f"{FIGURE.format('scatter')}, xaxis=None, yaxis=None, labels=None, mode='line', "
        "comment=None, extra_layout=None",
        "report_scatter3d": f"{FIGURE.format('scatter')}, xaxis=None, yaxis=None, zaxis=None, labels=None, "
        "mode='markers', fill=False, comment=None, extra_layout=None",
        "report_matrix": f"{FIGURE.format('matrix')}, xaxis=None, yaxis=None, {MATRIX}, extra_layout=None",
        "report_confusion_matrix": f"{FIGURE.format('matrix')}, xaxis=None, yaxis=None, {MATRIX}, comment=None, "
        "extra_layout=None",
        "report_surface": f"{FIGURE.format('matrix')}, xaxis=None, yaxis=None, zaxis=None, xlabels=None, "
        "ylabels=None, camera=None, comment=None, extra_layout=None",
        "report_image": "title, series, iteration=None, local_path=None, image=None, max_image_history=None, "
        "delete_after_upload=False, url=None",
        "report_media": "title, series, iteration=None, local_path=None, stream=None, file_extension=None, "
        "max_history=None, delete_after_upload=False, url=None",
        "flush": "wait=True",
        "set_default_upload_destination": "uri",
    },
    OutputModel: {
        "__init__": "task=None, config_text=None, config_dict=None, label_enumeration=None, name=None, tags=None, "
        "comment=None, framework=None, base_model_id=None",
        "update_weights": "weights_filename=None, upload_uri=None, target_filename=None, auto_delete_file=True, "
        "register_uri=None, iteration=None, update_comment=True, is_package=False, async_enable=True",
        "update_weights_package": "weights_filenames=None, weights_path=None, upload_uri=None, target_filename=None, "
        "auto_delete_file=True, iteration=None, async_enable=True",
        "publish": NOTHING,
    },
    InputModel: {
        "__init__": "model_id=None, name=None, project=None, tags=None, only_published=False",
        "import_model": "weights_url, config_text=None, config_dict=None, label_enumeration=None, name=None, "
        "project=None, tags=None, comment=None, is_package=False, create_as_published=False, framework=None",
    },
    Model: {
        "__init__": "model_id",
        "query_models": "project_name=None, model_name=None, tags=None, only_published=False, include_archived=False, "
        "max_results=None, metadata=None",
        "get_local_copy": "extract_archive=None, raise_on_error=False, force_download=False",
        "get_weights": "raise_on_error=False, force_download=False",
        "publish": NOTHING,
    },
    StorageManager: {
        "get_local_copy": "remote_url, cache_context=None, extract_archive=True, name=None, force_download=False",
        "upload_file": "local_file, remote_url, wait_for_upload=True, retries=None",
        "upload_folder": "local_folder, remote_url, match_wildcard=None",
        "download_file": "remote_url, local_folder=None, overwrite=False",
        "download_folder": "remote_url, local_folder=None, match_wildcard=None, overwrite=False",
        "get_file_size_bytes": "remote_url",
        "exists_file": "remote_url",
        "get_metadata": "remote_url",
        "list": "remote_url, return_full_path=False, with_metadata=False",
        "set_cache_file_limit": "cache_file_limit, cache_context=None",
    },
    Dataset: {
        "create": "dataset_name=None, dataset_project=None, dataset_tags=None, parent_datasets=None, "
        "use_current_task=False, dataset_version=None, output_uri=None, description=None",
        "get": "dataset_id=None, dataset_project=None, dataset_name=None, dataset_tags=None, only_completed=False, "
        "only_published=False, include_archived=False, auto_create=False, writable_copy=False, dataset_version=None, "
        "alias=None, overridable=False, shallow_search=False",
        "list_datasets": "dataset_project=None, partial_name=None, tags=None, ids=None, only_completed=True, "
        "recursive_project_search=True, include_archived=True",
        "delete": "dataset_id=None, dataset_project=None, dataset_name=None, force=False, dataset_version=None, "
        "entire_dataset=False, shallow_search=False, delete_files=True, delete_external_files=False",
        "add_files": "path, wildcard=None, local_base_folder=None, dataset_path=None, recursive=True, verbose=False, "
        "max_workers=None",
        "remove_files": "dataset_path=None, recursive=True, verbose=False",
        "sync_folder": "local_path, dataset_path=None, verbose=False",
        "upload": "show_progress=True, verbose=False, output_url=None, compression=None, chunk_size=None, "
        "max_workers=None, retries=3, preview=True",
        "finalize": "verbose=False, raise_on_error=True, auto_upload=False",
        "publish": "raise_on_error=True",
        "list_files": "dataset_path=None, recursive=True, dataset_id=None",
        "list_added_files": "dataset_id=None",
        "list_modified_files": "dataset_id=None",
        "list_removed_files": "dataset_id=None",
        "get_local_copy": "use_soft_links=None, part=None, num_parts=None, raise_on_error=True, max_workers=None",
        "get_mutable_local_copy": "target_folder, overwrite=False, part=None, num_parts=None, raise_on_error=True, "
        "max_workers=None",
        "verify_dataset_hash": "local_copy_path=None, skip_hash=False, verbose=False",
        "set_metadata": "metadata, metadata_name='metadata', ui_visible=True",
        "get_metadata": "metadata_name='metadata'",
        "get_logger": NOTHING,
        "is_final": NOTHING,
        "is_dirty": NOTHING,
        "add_tags": "tags",
        "set_description": "description",
        "get_dependency_graph": NOTHING,
    },
    Artifact: {
        "get": NOTHING,
        "get_local_copy": "extract_archive=True, raise_on_error=False, force_download=False",
    },
}
"""By class and method the documented arguments, in their order."""

OURS = {
    (PipelineController, "start"): ", exit_process=True",
    (PipelineController, "start_locally"): ", resume=None",
    (PipelineDecorator, "component"): ", time_limit=None",
    (Artifact, "get"): "deserialization_function=None",
}
"""Arguments that only we have, behind the documented ones."""

FACTS = {
    PipelineController: {"task", "id", "tags", "version"},
    Dataset: {"id", "name", "project", "version", "tags", "file_entries", "file_entries_dict"},
    Task: {
        "id",
        "name",
        "project",
        "parent",
        "status",
        "task_type",
        "comment",
        "data",
        "artifacts",
        "models",
        "output_uri",
    },
    OutputModel: {"id", "name", "url", "tags", "labels", "task", "project", "framework", "comment", "published"},
    InputModel: {"id", "name", "url", "tags", "labels", "task", "project", "framework", "comment", "published"},
    Model: {"id", "name", "url", "tags", "labels", "task", "project", "framework", "comment", "published"},
}
"""Documented properties."""

NOT_THERE = {Task: NotTask, Dataset: NotDataset, Logger: NotLogger, Model: NotModel, StorageManager: NotStorage}
"""Documented methods that we do not have: their places say what to do instead."""


def written(function):
    """Return the arguments of a function, without their types and without what it is called on."""
    shown = {inspect.Parameter.VAR_POSITIONAL: "*{}", inspect.Parameter.VAR_KEYWORD: "**{}"}
    arguments = [
        shown.get(one.kind, "{}" if one.default is one.empty else f"{{}}={one.default!r}").format(one.name)
        for one in inspect.signature(function).parameters.values()
        if one.name != "self"
    ]
    return ", ".join(arguments)


METHODS = [(kind, name) for kind, methods in DOCUMENTED.items() for name in methods]


@pytest.mark.parametrize(("kind", "name"), METHODS, ids=lambda one: getattr(one, "__name__", one))
def test_a_method_takes_the_documented_arguments_in_their_order(kind, name):
    """Promises 7, 35 and 44: with their defaults; each can be given by its name or by its place."""
    assert written(getattr(kind, name)) == DOCUMENTED[kind][name] + OURS.get((kind, name), "")


@pytest.mark.parametrize("kind", FACTS)
def test_the_documented_properties_are_there(kind):
    missing = {name for name in FACTS[kind] if not isinstance(inspect.getattr_static(kind, name, None), property)}
    assert missing == set()


@pytest.mark.parametrize("kind", NOT_THERE)
def test_what_is_documented_and_not_there_is_said_to_be(kind):
    named = {name for name, one in vars(NOT_THERE[kind]).items() if isinstance(one, Absent)}
    assert named & set(DOCUMENTED[kind]) == set()
    assert {name for name in named if hasattr(kind, name)} == set()


def test_facts_of_an_artifact_are_those_that_are_documented(home):
    pipe = PipelineController("facts", "Tests")
    pipe.upload_artifact("x", {"a": 1}, metadata={"rows": 3})
    found = pipe.task.artifacts["x"]
    assert (found.name, found.metadata["rows"], found.get()) == ("x", "3", {"a": 1})
    assert (len(found.hash), found.url.startswith("file://"), found.mode) == (64, True, "output")
    assert (found.size > 0, found.timestamp > 0, found.type, bool(found.preview)) == (True, True, "dict", True)
