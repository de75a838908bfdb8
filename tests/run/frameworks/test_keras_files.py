from __future__ import annotations

import pytest

# The parameters are those of Keras 3; the files are texts, and an unzipped model is a folder.
KERAS = {
    "keras/__init__.py": "from keras import models, saving\nfrom keras.src.models import Model, Sequential\n",
    "keras/models.py": """
        from keras.src.models import Model, Sequential
        from keras.src.saving_api import load_model, save_model
        """,
    "keras/saving.py": "from keras.src.saving_api import load_model, save_model\n",
    "keras/src/__init__.py": "",
    "keras/src/saving_api.py": """
        import os
        from pathlib import Path
        def save_model(model, filepath, overwrite=True, zipped=None, **kwargs):
            if zipped is False:
                os.makedirs(filepath)
            else:
                Path(filepath).write_text("model")
        def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
            from keras.src.models import Sequential
            model = Sequential()
            model.load_weights(filepath)
            return model
        """,
    "keras/src/models.py": """
        from pathlib import Path
        from keras.src import saving_api
        class Model:
            def save(self, filepath, overwrite=True, zipped=None, **kwargs):
                return saving_api.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)
            def save_weights(self, filepath, overwrite=True, max_shard_size=None):
                Path(filepath).write_text("weights")
            def load_weights(self, filepath, skip_mismatch=False, **kwargs):
                Path(filepath).read_text()
        class Sequential(Model):
            pass
        """,
    # TensorFlow brings Keras in when it is used first.
    "tensorflow/__init__.py": "def __getattr__(name):\n    import keras\n    return {'keras': keras}[name]\n",
}

USE = """
model = keras.Sequential()
model.save("a.keras")
model.save(filepath="b", zipped=False)
model.save_weights("c.weights.h5", overwrite=True)
model.load_weights("c.weights.h5")
keras.saving.save_model(model, "d.keras")
assert isinstance(keras.models.load_model("a.keras", compile=False), keras.Model)
"""
TOLD = [
    ("model_saved", "a.keras", "Keras"),
    ("model_saved", "b", "Keras"),
    ("model_saved", "c.weights.h5", "Keras"),
    ("model_loaded", "c.weights.h5", "Keras"),
    ("model_saved", "d.keras", "Keras"),
    ("model_loaded", "a.keras", "Keras"),
]


@pytest.mark.parametrize(
    "start",
    [
        "import keras\nfollow()\n",
        "follow()\nimport keras\n",
        "follow()\nimport tensorflow\nkeras = tensorflow.keras\n",
    ],
)
def test_models_and_weights_are_recorded_once_in_a_file_or_a_folder(script, start):
    assert script(KERAS, start + USE) == TOLD


def test_a_function_that_was_imported_before_is_followed_too(script):
    start = "from keras.models import load_model\nimport keras\nfollow()\n"
    code = start + "keras.Model().save('a.keras')\nload_model('a.keras')\n"
    assert script(KERAS, code) == [TOLD[0], TOLD[5]]


def test_the_documented_name_tensorflow_chooses(script):
    code = "follow({'tensorflow': ['*.h5']})\nimport keras\n" + USE
    assert script(KERAS, code) == [TOLD[2], TOLD[3]]
    assert script(KERAS, "follow({'tensorflow': False})\nimport keras\n" + USE.replace('"b"', '"e"')) == []
