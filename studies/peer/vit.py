"""timm's vision transformer with weights of Attune's masked autoencoder, and its adapters."""

import timm
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer

import spectral


def vit(size, patch, channels, weights, classes=0):
    """Four blocks of 96; kernels for three colors become their sum for one gray."""
    model = VisionTransformer(
        img_size=size, patch_size=patch, in_chans=channels, num_classes=classes, embed_dim=96,
        depth=4, num_heads=4)
    if weights:
        stored = load_file(weights)
        kernel = "patch_embed.proj.weight"
        if channels == 1 and stored[kernel].shape[1] == 3:
            stored[kernel] = stored[kernel].sum(1, keepdim=True)
        if stored["pos_embed"].shape != model.pos_embed.shape:
            grid = model.patch_embed.grid_size
            stored["pos_embed"] = timm.layers.resample_abs_pos_embed(
                stored["pos_embed"], list(grid), num_prefix_tokens=1)
        wanted = {k: v for k, v in stored.items() if k in model.state_dict()}
        missing = model.load_state_dict(wanted, strict=False).missing_keys
        if any(not name.startswith("head.") for name in missing):
            raise SystemExit(f"{weights}: no {', '.join(missing)}")
    return model


def adapted(model, method, names):
    """The frozen model with an adapter; `full` and `scratch` train all, `probe` nothing of it."""
    if method in ("full", "scratch"):
        return model
    if method == "lora":
        config = LoraConfig(r=4, lora_alpha=4, target_modules=names)
        return get_peft_model(model, config).base_model.model
    if method == "probe":
        for parameter in model.parameters():
            parameter.requires_grad = False
        return model
    kind = {"salt": spectral.SALT, "s-sam": spectral.SSAM}[method]
    spectral.attach(model, kind, names)
    return model


def tokens(model, image):
    """Patch tokens of the last block before the final norm, [batch, token, width]."""
    x = model._pos_embed(model.patch_embed(image))
    x = model.blocks(model.norm_pre(x))
    return x[:, model.num_prefix_tokens :]
