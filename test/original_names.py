"""Small Mask2Former models, and their weights as the original code writes them.

The names below are written down from the original code (detectron2), not derived from the importer: they are what it
is held to. ``{s}`` counts stages, ``{b}`` blocks, ``{l}`` layers; ``W`` stands for weight and bias.
"""

from __future__ import annotations

import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, ResNetConfig, SwinConfig

STAGES = ["stage1", "stage2", "stage3", "stage4"]
DEPTHS = (1, 1, 2, 1)


def tiny_mask2former(family: str, rows: int, layers: int = 2) -> Mask2FormerForUniversalSegmentation:
    """transformers' model in eval mode with ``rows`` class rows and ``layers`` in each decoder; nothing is trivial."""
    if family == "swin":
        backbone = SwinConfig(
            embed_dim=8, depths=DEPTHS, num_heads=(1, 2, 2, 4), window_size=3, drop_path_rate=0.2, out_features=STAGES
        )
    else:
        backbone = ResNetConfig(embedding_size=8, hidden_sizes=[16, 24, 32, 40], depths=DEPTHS, out_features=STAGES)
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=16,
        hidden_dim=32,
        encoder_layers=layers,
        encoder_feedforward_dim=24,
        decoder_layers=layers + 1,
        num_attention_heads=4,
        dim_feedforward=40,
        num_queries=6,
    )
    config.num_labels = rows - 1
    torch.manual_seed(0)
    model = Mask2FormerForUniversalSegmentation(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(std=0.2)
                module.running_var.uniform_(0.5, 1.5)
    return model


_SWIN = {
    "patch_embed.proj.W": "swin.embeddings.patch_embeddings.projection.W",
    "patch_embed.norm.W": "swin.embeddings.norm.W",
    "layers.{s}.blocks.{b}.norm1.W": "swin.encoder.layers.{s}.blocks.{b}.layernorm_before.W",
    "layers.{s}.blocks.{b}.attn.relative_position_bias_table": (
        "swin.encoder.layers.{s}.blocks.{b}.attention.relative_position_bias.relative_position_bias_table"
    ),
    "layers.{s}.blocks.{b}.attn.qkv.W": "swin.encoder.layers.{s}.blocks.{b}.attention.QKV.W",
    "layers.{s}.blocks.{b}.attn.proj.W": "swin.encoder.layers.{s}.blocks.{b}.attention.o_proj.W",
    "layers.{s}.blocks.{b}.norm2.W": "swin.encoder.layers.{s}.blocks.{b}.layernorm_after.W",
    "layers.{s}.blocks.{b}.mlp.fc1.W": "swin.encoder.layers.{s}.blocks.{b}.mlp.fc1.W",
    "layers.{s}.blocks.{b}.mlp.fc2.W": "swin.encoder.layers.{s}.blocks.{b}.mlp.fc2.W",
    "layers.{s}.downsample.reduction.weight": "swin.encoder.layers.{s}.downsample.reduction.weight",
    "layers.{s}.downsample.norm.W": "swin.encoder.layers.{s}.downsample.norm.W",
    "norm{s}.W": "hidden_states_norms.stage{s+1}.W",
}
_RESNET = {
    "stem.conv1.weight": "embedder.embedder.convolution.weight",
    "stem.conv1.norm.N": "embedder.embedder.normalization.N",
    "res{s+2}.{b}.shortcut.weight": "encoder.stages.{s}.layers.{b}.shortcut.convolution.weight",
    "res{s+2}.{b}.shortcut.norm.N": "encoder.stages.{s}.layers.{b}.shortcut.normalization.N",
    "res{s+2}.{b}.conv1.weight": "encoder.stages.{s}.layers.{b}.layer.0.convolution.weight",
    "res{s+2}.{b}.conv1.norm.N": "encoder.stages.{s}.layers.{b}.layer.0.normalization.N",
    "res{s+2}.{b}.conv2.weight": "encoder.stages.{s}.layers.{b}.layer.1.convolution.weight",
    "res{s+2}.{b}.conv2.norm.N": "encoder.stages.{s}.layers.{b}.layer.1.normalization.N",
    "res{s+2}.{b}.conv3.weight": "encoder.stages.{s}.layers.{b}.layer.2.convolution.weight",
    "res{s+2}.{b}.conv3.norm.N": "encoder.stages.{s}.layers.{b}.layer.2.normalization.N",
}
_PIXEL_DECODER = {
    "adapter_1.weight": "adapter_1.0.weight",
    "adapter_1.norm.W": "adapter_1.1.W",
    "layer_1.weight": "layer_1.0.weight",
    "layer_1.norm.W": "layer_1.1.W",
    "input_proj.0.0.W": "input_projections.0.0.W",
    "input_proj.0.1.W": "input_projections.0.1.W",
    "input_proj.1.0.W": "input_projections.1.0.W",
    "input_proj.1.1.W": "input_projections.1.1.W",
    "input_proj.2.0.W": "input_projections.2.0.W",
    "input_proj.2.1.W": "input_projections.2.1.W",
    "transformer.level_embed": "level_embed",
    "transformer.encoder.layers.{l}.self_attn.sampling_offsets.W": "encoder.layers.{l}.self_attn.sampling_offsets.W",
    "transformer.encoder.layers.{l}.self_attn.attention_weights.W": "encoder.layers.{l}.self_attn.attention_weights.W",
    "transformer.encoder.layers.{l}.self_attn.value_proj.W": "encoder.layers.{l}.self_attn.value_proj.W",
    "transformer.encoder.layers.{l}.self_attn.output_proj.W": "encoder.layers.{l}.self_attn.output_proj.W",
    "transformer.encoder.layers.{l}.norm1.W": "encoder.layers.{l}.self_attn_layer_norm.W",
    "transformer.encoder.layers.{l}.linear1.W": "encoder.layers.{l}.fc1.W",
    "transformer.encoder.layers.{l}.linear2.W": "encoder.layers.{l}.fc2.W",
    "transformer.encoder.layers.{l}.norm2.W": "encoder.layers.{l}.final_layer_norm.W",
    "mask_features.W": "mask_projection.W",
}
_PREDICTOR = {
    "query_feat.weight": "queries_features.weight",
    "query_embed.weight": "queries_embedder.weight",
    "level_embed.weight": "level_embed.weight",
    "transformer_self_attention_layers.{l}.self_attn.in_proj_W": "decoder.layers.{l}.self_attn.QKV.W",
    "transformer_self_attention_layers.{l}.self_attn.out_proj.W": "decoder.layers.{l}.self_attn.out_proj.W",
    "transformer_self_attention_layers.{l}.norm.W": "decoder.layers.{l}.self_attn_layer_norm.W",
    "transformer_cross_attention_layers.{l}.multihead_attn.in_proj_W": "decoder.layers.{l}.cross_attn.in_proj_W",
    "transformer_cross_attention_layers.{l}.multihead_attn.out_proj.W": "decoder.layers.{l}.cross_attn.out_proj.W",
    "transformer_cross_attention_layers.{l}.norm.W": "decoder.layers.{l}.cross_attn_layer_norm.W",
    "transformer_ffn_layers.{l}.linear1.W": "decoder.layers.{l}.fc1.W",
    "transformer_ffn_layers.{l}.linear2.W": "decoder.layers.{l}.fc2.W",
    "transformer_ffn_layers.{l}.norm.W": "decoder.layers.{l}.final_layer_norm.W",
    "decoder_norm.W": "decoder.layernorm.W",
    "mask_embed.layers.0.W": "decoder.mask_predictor.mask_embedder.0.0.W",
    "mask_embed.layers.1.W": "decoder.mask_predictor.mask_embedder.1.0.W",
    "mask_embed.layers.2.W": "decoder.mask_predictor.mask_embedder.2.0.W",
}


def original_state(model: Mask2FormerForUniversalSegmentation) -> dict[str, torch.Tensor]:
    """The model's weights under the original code's names, with the buffers that it saves beside them."""
    family = model.config.backbone_config.model_type
    tables = [
        ("backbone.", "model.pixel_level_module.encoder.", _SWIN if family == "swin" else _RESNET),
        ("sem_seg_head.pixel_decoder.", "model.pixel_level_module.decoder.", _PIXEL_DECODER),
        ("sem_seg_head.predictor.", "model.transformer_module.", _PREDICTOR),
        ("sem_seg_head.predictor.class_embed.", "class_predictor.", {"W": "W"}),
    ]
    left = dict(model.state_dict())
    state: dict[str, torch.Tensor] = {}
    for prefix, own_prefix, table in tables:
        for pattern, own_pattern in table.items():
            for name, own in _filled(prefix + pattern, own_prefix + own_pattern):
                parts = [own.replace("QKV", part) for part in ("q_proj", "k_proj", "v_proj")] if "QKV" in own else [own]
                if all(part in left for part in parts):
                    state[name] = torch.cat([left.pop(part) for part in parts])
    # What is left serves a classifier or the loss, or is a buffer: the original code has its own.
    used = ("layernorm", "num_batches_tracked", "empty_weight")
    assert [name for name in left if not any(word in name for word in used)] == []
    state["criterion.empty_weight"] = torch.ones(model.config.num_labels + 1)
    if family == "swin":
        state["backbone.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(9, 9, dtype=torch.int64)
    return state


def _filled(pattern: str, own: str) -> list[tuple[str, str]]:
    """Both patterns with every stage, block and layer, and with weight, bias and statistics, put in."""
    pairs = []
    for stage in range(4) if "{s" in pattern else (0,):
        for block in range(DEPTHS[stage]) if "{b}" in pattern else (0,):
            for layer in range(2) if "{l}" in pattern else (0,):
                numbers = {"{s}": stage, "{s+1}": stage + 1, "{s+2}": stage + 2, "{b}": block, "{l}": layer}
                name, own_name = pattern, own
                for key, number in numbers.items():
                    name, own_name = name.replace(key, str(number)), own_name.replace(key, str(number))
                pairs.append((name, own_name))
    ends = {"W": ("weight", "bias"), "N": ("weight", "bias", "running_mean", "running_var")}
    return [
        (name.removesuffix(letter) + end, own_name.removesuffix(letter) + end) if letter else (name, own_name)
        for name, own_name in pairs
        for letter in [name[-1] if name[-1] in ends else ""]
        for end in ends.get(letter, ("",))
    ]
