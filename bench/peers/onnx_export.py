"""Writes the model of a task, read from stdin, as ONNX at the task's own batch size. python onnx_export.py FILE"""

import json
import sys

import torch
from pytorch_model import load_inputs, load_model

task = json.load(sys.stdin)
images, _ = load_inputs(task)
torch.onnx.export(
    load_model(task).eval(),
    (images,),
    sys.argv[1],
    input_names=["images"],
    opset_version=20,
    dynamo=True,
    external_data=False,
    verbose=False,
)
