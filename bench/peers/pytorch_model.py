"""timm's model of a task with the task's weights, and its images in PyTorch's order."""

from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer


def load_model(task):
    shape = task["model"]
    model = VisionTransformer(
        img_size=tuple(shape["imageSize"]),
        patch_size=tuple(shape["patchSize"]),
        in_chans=shape["inChannels"],
        num_classes=shape["numClasses"],
        embed_dim=shape["embedDim"],
        depth=shape["depth"],
        num_heads=shape["numHeads"],
    )
    model.load_state_dict(load_file(task["files"]["weights"]))
    return model


def load_inputs(task):
    inputs = load_file(task["files"]["inputs"])
    return inputs["images"].permute(0, 3, 1, 2).contiguous(), inputs["targets"]
