"""The contender onnxruntime: timm's model, exported by PyTorch in a process of its own. python onnxruntime_contender.py THREADS"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from serve import reset_peak_rss, serve

import numpy
import onnxruntime
from safetensors.numpy import load_file

versions = {"python": platform.python_version(), "onnxruntime": onnxruntime.__version__}


def prepare(task):
    if task["precision"] != "fp32":
        raise ValueError("this contender computes in fp32")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(sys.argv[1])
    # Its threads must sleep while another contender is measured.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        exporter = Path(__file__).with_name("onnx_export.py")
        subprocess.run(
            [sys.executable, exporter, file], input=json.dumps(task), text=True, check=True
        )
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    images = load_file(task["files"]["inputs"])["images"]
    feed = {"images": numpy.ascontiguousarray(images.transpose(0, 3, 1, 2))}
    del images
    reset_peak_rss()

    def repeat():
        return session.run(None, feed)[0]

    return {"check": repeat()[0].tolist(), "versions": versions}, repeat


serve(prepare)
