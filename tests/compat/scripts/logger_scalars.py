"""Logger: scalars, single values, text, and reading them again."""

from clearml import Logger, Task

task = Task.init(project_name="Compat", task_name="scalars")
logger = task.get_logger()
for iteration in range(20):
    logger.report_scalar(title="loss", series="train", value=1.0 / (iteration + 1), iteration=iteration)
    Logger.current_logger().report_scalar("loss", "test", 2.0 / (iteration + 1), iteration)
logger.report_single_value(name="accuracy", value=0.93)
logger.report_text("a line of text", level=30)
print("a printed line")
task.flush(wait_for_uploads=True)
last = task.get_last_scalar_metrics()
assert last["loss"]["train"]["last"] == 1.0 / 20, last
