"""The degradations of the restoration study, [channel, height, width] from 0 to 1."""

import io
import math

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F


def noise(image, sigma=25):
    return image + torch.randn_like(image) * (sigma / 255)


def bytes_of(image):
    values = (image * 255).round().clamp(0, 255).byte()
    return Image.fromarray(values.permute(1, 2, 0).numpy())


def jpeg(image, quality=20):
    memory = io.BytesIO()
    bytes_of(image).save(memory, "JPEG", quality=quality, subsampling="4:2:0")
    values = np.asarray(Image.open(memory), dtype=np.float32) / 255
    return torch.from_numpy(values.transpose(2, 0, 1).copy())


def blur(image, sigma=2.0):
    reach = math.ceil(3 * sigma)
    kernel = torch.exp(-torch.arange(-reach, reach + 1).double() ** 2 / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).float()
    channels = image.shape[0]
    padded = F.pad(image[None], (reach,) * 4, mode="reflect")
    rows = kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
    columns = kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
    return F.conv2d(F.conv2d(padded, rows, groups=channels), columns, groups=channels)[0]


def downscale(image, factor=2):
    height, width = image.shape[-2:]
    small = resized(image, round(height / factor), round(width / factor))
    return resized(small, height, width)


def resized(image, height, width):
    """Pillow's bicubic filter on numbers."""
    planes = [
        np.asarray(Image.fromarray(p.numpy(), "F").resize((width, height), Image.BICUBIC))
        for p in image
    ]
    return torch.from_numpy(np.stack(planes))


TASKS = {"noise": noise, "jpeg": jpeg, "blur": blur, "sr": downscale}


def degraded(task, image):
    return TASKS[task](image.contiguous()).clamp(0, 1)
