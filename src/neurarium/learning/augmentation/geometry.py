"""Moving the pixels of images, each image of a batch by its own map: whole pixels, or any affine map.

Positions p = (right, down) are in pixels from the center of the image. A map is given backwards, as where each pixel
of the outcome comes from: y(p) = x(A p + b).
"""

import functools
import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F


def shift_images(
    x: Float[Tensor, "batch channels height width"], down: Int[Tensor, " batch"], right: Int[Tensor, " batch"]
) -> Float[Tensor, "batch channels height width"]:
    """Shift image n of a batch by `down[n]` rows and `right[n]` columns, repeating border pixels.

    Example:
        >>> shift_images(torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([0]), torch.tensor([1]))
        tensor([[[[1., 1., 2.]]]])
    """
    n, _, height, width = x.shape
    rows = (torch.arange(height, device=x.device) - down[:, None]).clamp(0, height - 1)
    columns = (torch.arange(width, device=x.device) - right[:, None]).clamp(0, width - 1)
    example = torch.arange(n, device=x.device)[:, None, None]
    # indexing puts the channels last: that is the layout convolutions want
    return x.permute(0, 2, 3, 1)[example, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def flip_images(
    x: Float[Tensor, "batch channels height width"], chosen: Bool[Tensor, " batch"]
) -> Float[Tensor, "batch channels height width"]:
    """Mirror the chosen images of a batch left and right."""
    return torch.where(chosen[:, None, None, None], x.flip(3), x)


def affine_map(
    angle: Float[Tensor, " batch"],
    side: Float[Tensor, " batch"],
    center: Float[Tensor, "batch 2"],
    mirrored: Bool[Tensor, " batch"],
    shift: Float[Tensor, "batch 2"],
) -> tuple[Float[Tensor, "batch 2 2"], Float[Tensor, "batch 2"]]:
    """One map for: rotate, cut a window out and enlarge it, mirror, shift, in this order.

        A p + b = R (side M (p - shift) + center),    M = diag(-1 or 1, 1)

    Args:
        angle: anticlockwise to the eye, in radians.
        side: of the window, over that of the image, in (0, 1].
        center: of the window, in pixels (right, down) from the center.
        mirrored: whether left and right are exchanged.
        shift: in pixels (right, down).
    """
    cos, sin = angle.cos(), angle.sin()
    # rows point down, so turning back to where a pixel came from is turning clockwise in (right, down)
    rotation = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    across = torch.where(mirrored, -side, side)
    A = rotation * torch.stack([across, side], 1)[:, None]
    b = (rotation @ center[:, :, None] - A @ shift[:, :, None]).squeeze(2)
    return A, b


def draw_affine(
    x: Float[Tensor, "batch channels height width"], shift: int, flip: bool, rotation: float, crop: float
) -> tuple[Float[Tensor, "batch 2 2"], Float[Tensor, "batch 2"]]:
    """Draw a map for each image of a batch, from torch's generator; the ranges are those of `Augmentation`."""
    n, (height, width) = len(x), x.shape[2:]
    uniform = functools.partial(torch.rand, dtype=x.dtype, device=x.device)
    angle = math.radians(rotation) * (2 * uniform(n) - 1)
    side = (1 - crop * uniform(n)).sqrt()
    size = x.new_tensor([width, height])
    center = (uniform(n, 2) - 0.5) * (1 - side[:, None]) * size
    mirrored = uniform(n) < 0.5 * flip
    whole = torch.randint(-shift, shift + 1, (n, 2), device=x.device).to(x.dtype)
    return affine_map(angle, side, center, mirrored, whole)


def warp_images(
    x: Float[Tensor, "batch channels height width"], A: Float[Tensor, "batch 2 2"], b: Float[Tensor, "batch 2"]
) -> Float[Tensor, "batch channels height width"]:
    """y(p) = x(A p + b), bilinear between pixels, the border pixel repeated outside.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 4.0]]]])
        >>> warp_images(x, torch.eye(2)[None], torch.tensor([[0.5, 0.0]]))  # from half a pixel further right
        tensor([[[[1.5000, 3.0000, 4.0000]]]])
    """
    height, width = x.shape[2:]
    # torch measures positions in half widths and half heights
    half = x.new_tensor([width / 2, height / 2])
    theta = torch.cat([A * half / half[:, None], (b / half)[:, :, None]], 2)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
