"""What the documented API has and Penstock has not: who uses it is told so by name, with what to do instead."""

from __future__ import annotations

from typing import NoReturn


class Absent:
    """Stands where an attribute would be.

    Args:
        hint: What to do instead.
    """

    def __init__(self, hint: str) -> None:
        self.hint = hint
        self._name = ""
        self._owner = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner.__name__.removeprefix("Not"), name

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        of = self._owner if owner is None else owner.__name__
        raise AttributeError(f"Penstock has no {of}.{self._name} (hint: {self.hint})", name=self._name, obj=instance)


_LABELS = "give a model its labels: OutputModel(label_enumeration=...)"
_DESIGN = "give a model its design: OutputModel(config_text=...) or OutputModel(config_dict=...)"
_ENDPOINT = "start a web server of your own in the task, and tell its address in a parameter"
_OFFLINE = "nothing here needs a connection: everything is recorded in the home of this machine"
_OF_TASK = "report it for the model's task: Task.get_task(model.task).get_logger()"
_PROJECT = "projects are known by their paths: use project_name"


class NotTask:
    """What tasks have not."""

    connect_label_enumeration = Absent(_LABELS)
    create_function_task = Absent("make it a step: PipelineController.add_function_step")
    debug_simulate_remote_task = Absent("carry a draft out here: `penstock execute TASK`")
    delete_artifacts = Absent("delete the whole task, or store other values under the same names")
    force_requirements_env_freeze = Absent("name the packages: Task.add_requirements('requirements.txt')")
    force_store_standalone_script = Absent("give repo='' to PipelineController, or record it by Task.create")
    get_debug_samples = Absent("read them with get_reported_plots: images are among them")
    get_label_num_description = Absent(_LABELS)
    get_labels_enumeration = Absent(_LABELS)
    get_model_config_dict = Absent(_DESIGN)
    get_model_config_text = Absent(_DESIGN)
    get_model_design = Absent(_DESIGN)
    get_num_enqueued_tasks = Absent("look at the queue: `penstock queue`")
    get_offline_mode_folder = Absent(_OFFLINE)
    get_output_log_web_page = Absent("see it with: penstock task ID")
    get_project_id = Absent(_PROJECT)
    get_projects = Absent("list tasks, each with its project: Task.get_tasks()")
    get_task_output_log_web_page = Absent("see it with: penstock task ID")
    import_offline_session = Absent(_OFFLINE)
    launch_multi_node = Absent("make each node a step of a pipeline")
    publish_on_completion = Absent("publish it once it has completed: Task.publish()")
    register_abort_callback = Absent("handle SIGTERM: by that whoever aborts a task asks its process to leave")
    request_external_endpoint = Absent(_ENDPOINT)
    set_artifacts = Absent("store each: Task.upload_artifact")
    set_input_model = Absent("connect it: InputModel(...).connect(task)")
    set_label_num_description = Absent(_LABELS)
    set_model_config = Absent(_DESIGN)
    set_model_label_enumeration = Absent(_LABELS)
    set_resource_monitor_iteration_timeout = Absent("what the machine does is reported by time, not by iterations")
    set_system_tags = Absent("they are the system's own; use set_tags")
    update_task = Absent("change it by its methods, such as set_parameters")
    wait_for_external_endpoint = Absent(_ENDPOINT)


class NotDataset:
    """What data sets have not."""

    add_external_files = Absent("add_files takes URLs as well, and stores what is behind them")
    get_default_storage = Absent("contents are in the blob store of the home, or of the server")
    get_num_chunks = Absent("contents are stored one by one; num_parts=... divides them as you like")
    link_entries = Absent("there are no links in a data set, only files")
    move_to_project = Absent("make a new one: Dataset.create(parent_datasets=[...], dataset_project=...)")
    rename = Absent("make a new one: Dataset.create(parent_datasets=[...], dataset_name=...)")
    squash = Absent("every version knows all of its files: there is nothing to squash")


class NotLogger:
    """What loggers have not."""

    get_default_debug_sample_history = Absent("every image that is reported is kept")
    set_default_debug_sample_history = Absent("every image that is reported is kept")
    set_reporting_inf_value = Absent("infinite values are recorded as they are")
    set_reporting_nan_value = Absent("values that are no numbers are recorded as they are")


class NotModel:
    """What models have not."""

    get_offline_mode_folder = Absent(_OFFLINE)
    report_confusion_matrix = Absent(_OF_TASK)
    report_histogram = Absent(_OF_TASK)
    report_line_plot = Absent(_OF_TASK)
    report_matrix = Absent(_OF_TASK)
    report_scalar = Absent(_OF_TASK)
    report_scatter2d = Absent(_OF_TASK)
    report_scatter3d = Absent(_OF_TASK)
    report_single_value = Absent(_OF_TASK)
    report_surface = Absent(_OF_TASK)
    report_table = Absent(_OF_TASK)
    report_vector = Absent(_OF_TASK)


class NotStorage:
    """What the manager of files behind URLs has not."""

    get_files_server = Absent("files are behind the URLs that you give; artifacts are in the home")
    set_report_download_chunk_size = Absent("progress is not reported by pieces")
    set_report_upload_chunk_size = Absent("progress is not reported by pieces")
