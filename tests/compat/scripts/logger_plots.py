"""Logger: tables, histograms, scatter plots, matrices, surfaces, images and figures of Matplotlib."""

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("agg")
import matplotlib.pyplot as plt
from clearml import Task

task = Task.init("Compat", "plots")
logger = task.get_logger()
logger.report_table("table", "people", iteration=0, table_plot=pd.DataFrame({"name": ["a", "b"], "age": [1, 2]}))
logger.report_histogram("histogram", "values", values=np.arange(5), iteration=1, xaxis="x", yaxis="y")
logger.report_scatter2d("scatter", "points", scatter=np.array([[0, 1], [1, 3], [2, 2]]), iteration=1, mode="markers")
logger.report_confusion_matrix("confusion", "classes", matrix=np.eye(3), iteration=1, xlabels=["a", "b", "c"])
logger.report_surface("surface", "heights", matrix=np.ones((4, 4)), iteration=1)
logger.report_line_plot("lines", [{"name": "a", "data": [[0, 0], [1, 1]]}], "x", "y")
logger.report_image("image", "noise", iteration=2, image=np.zeros((8, 8, 3), dtype=np.uint8))
plt.plot([1, 2, 3])
logger.report_matplotlib_figure(title="matplotlib", series="line", figure=plt.gcf(), iteration=3)
plt.close("all")
