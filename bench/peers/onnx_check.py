"""Checks and runs the models that bench/onnx.ts wrote. python onnx_check.py FOLDER

For each NAME.onnx in FOLDER: onnx.checker, then ONNX Runtime on every tensor of NAME.in.safetensors, without and with its optimizations,
into NAME.out.safetensors.
"""

import sys
from pathlib import Path

import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

levels = {
    "basic": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}

files = sorted(Path(sys.argv[1]).glob("*.onnx"))
for file in files:
    onnx.checker.check_model(str(file), full_check=True)
    inputs = load_file(file.with_suffix(".in.safetensors"))
    found = {}
    for kind, level in levels.items():
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        (wanted,) = session.get_inputs()
        assert wanted.name == "pixel_values" and isinstance(wanted.shape[0], str), wanted
        for name, images in inputs.items():
            (found[kind + name.removeprefix("input")],) = session.run(None, {wanted.name: images})
    save_file(found, file.with_suffix(".out.safetensors"))
print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {len(files)} files are valid and run.")
