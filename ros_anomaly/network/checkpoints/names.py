"""From the names of public checkpoints to those of transformers' Mask2Former.

Two namings are known: the original code's (detectron2 with ``backbone.*`` and ``sem_seg_head.*``; Open-set-M2F and RbA
keep it) and the one of Hugging Face folders, which transformers itself has since renamed in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ros_anomaly.network.checkpoints.errors import CheckpointImportError

Rule = tuple[re.Pattern[str], str]

ENCODER = "model.pixel_level_module.encoder"
_DECODER = "model.pixel_level_module.decoder"
_QUERIES = "model.transformer_module"

# Buffers that are recomputed, and what serves the loss or a classifier alone: of no use in a network.
_HARMLESS = re.compile(
    r"relative_position_index$|\.attn_mask$|num_batches_tracked$|^criterion\.empty_weight$"
    r"|^model\.pixel_level_module\.encoder\.(swin\.)?layernorm\.(weight|bias)$"
)


@dataclass(frozen=True)
class NamedTensors:
    """Tensors under the names of transformers.

    Attributes:
        tensors: by name, without any prefix.
        sources: the file's own name of each.
        dropped: names in the file of what a network has no use for.
        unknown: names in the file that mean nothing in its naming, or are those of single numbers.
    """

    tensors: dict[str, Tensor]
    sources: dict[str, str]
    dropped: tuple[str, ...]
    unknown: tuple[str, ...]


def translated(tensors: Mapping[str, Tensor], where: str, ignored: Sequence[str] = ()) -> NamedTensors:
    """Tensors of a checkpoint under transformers' names.

    A prefix that wraps the whole network (``module.``, ``model.`` of Lightning ...) is taken off.

    Args:
        where: the checkpoint, for errors.
        ignored: beginnings of names (after the prefix) that are dropped on request.

    Raises:
        CheckpointImportError: neither naming is found.
    """
    prefix, original = _naming(tensors, where)
    rules = _ORIGINAL if original else _HUGGING_FACE
    found: dict[str, Tensor] = {}
    sources: dict[str, str] = {}
    dropped, unknown = [], []
    for full_name, tensor in tensors.items():
        name = full_name.removeprefix(prefix)
        if _HARMLESS.search(name) or any(name.startswith(beginning) for beginning in ignored):
            dropped.append(full_name)
            continue
        target = _renamed(name, rules) if full_name.startswith(prefix) and tensor.ndim else None
        if target is None:
            unknown.append(full_name)
            continue
        for part_name, part in _parts(target, tensor):
            if part_name in found:
                raise CheckpointImportError(
                    f"{where}: expected one tensor for {part_name}, found {sources[part_name]} and {full_name}"
                )
            found[part_name], sources[part_name] = part, full_name
    return NamedTensors(found, sources, tuple(dropped), tuple(unknown))


def backbone_tensors(name: str, tensor: Tensor) -> dict[str, Tensor]:
    """A backbone's tensor of either naming, under its names in transformers' backbone alone; empty if unknown."""
    target = _renamed(name, _ORIGINAL if name.startswith("backbone.") else _HUGGING_FACE)
    return {part.removeprefix(f"{ENCODER}."): values for part, values in _parts(target, tensor)} if target else {}


def _naming(tensors: Mapping[str, Tensor], where: str) -> tuple[str, bool]:
    """(prefix of all names, whether the naming is the original code's), by the class head's name."""
    for head, original in (("sem_seg_head.predictor.class_embed.weight", True), ("class_predictor.weight", False)):
        prefixes = sorted({name.removesuffix(head) for name in tensors if name.endswith(head)})
        if len(prefixes) > 1:
            raise CheckpointImportError(
                f"{where}: expected one network, found several: {', '.join(map(repr, prefixes))}"
            )
        if prefixes:
            return prefixes[0], original
    shown = ", ".join(sorted(tensors)[:6]) or "no tensors"
    raise CheckpointImportError(
        f"{where}: expected a Mask2Former with a class head class_predictor.weight (Hugging Face) or "
        f"sem_seg_head.predictor.class_embed.weight (original code); found {shown} ({len(tensors)} tensors)"
    )


def _renamed(name: str, rules: Sequence[Rule]) -> str | None:
    """The first rule whose pattern is the whole name decides; None where there is none."""
    for pattern, target in rules:
        if match := pattern.fullmatch(name):
            return match.expand(target) if "{" not in target else _COUNTED[target](match)
    return None


def _parts(target: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    """A target ``a.[q|k|v].weight`` is three tensors, cut from one along its rows in this order."""
    match = re.fullmatch(r"(.*)\[(.*)\](.*)", target)
    if match is None:
        return [(target, tensor)]
    names = [f"{match[1]}{part}{match[3]}" for part in match[2].split("|")]
    # Rows that do not divide leave shapes that fit nothing, which the check of shapes names.
    return list(zip(names, tensor.tensor_split(len(names)), strict=True))


# Names whose numbers the two namings count from different beginnings.
_COUNTED: dict[str, Callable[[re.Match[str]], str]] = {
    "{swin norm}": lambda m: f"{ENCODER}.hidden_states_norms.stage{int(m[1]) + 1}.{m[2]}",
    "{resnet conv}": lambda m: (
        f"{ENCODER}.encoder.stages.{int(m[1]) - 2}.layers.{m[2]}.layer.{int(m[3]) - 1}.convolution.weight"
    ),
    "{resnet norm}": lambda m: (
        f"{ENCODER}.encoder.stages.{int(m[1]) - 2}.layers.{m[2]}.layer.{int(m[3]) - 1}.normalization.{m[4]}"
    ),
    "{resnet shortcut}": lambda m: (
        f"{ENCODER}.encoder.stages.{int(m[1]) - 2}.layers.{m[2]}.shortcut.convolution.weight"
    ),
    "{resnet shortcut norm}": lambda m: (
        f"{ENCODER}.encoder.stages.{int(m[1]) - 2}.layers.{m[2]}.shortcut.normalization.{m[3]}"
    ),
}


def _rules(*pairs: tuple[str, str]) -> tuple[Rule, ...]:
    """Patterns with W$ for weight or bias, N$ for these and a norm's statistics, # for a number, * for anything."""
    made = []
    for pattern, target in pairs:
        pattern = pattern.replace(".", r"\.").replace("#", r"(\d+)").replace("*", "(.+)")
        pattern = pattern.replace("W$", "(weight|bias)").replace("N$", "(weight|bias|running_mean|running_var)")
        made.append((re.compile(pattern), target))
    return tuple(made)


_SWIN_BLOCK = rf"{ENCODER}.swin.encoder.layers.\1.blocks.\2"
_SWIN = _rules(
    ("backbone.patch_embed.proj.W$", rf"{ENCODER}.swin.embeddings.patch_embeddings.projection.\1"),
    ("backbone.patch_embed.norm.W$", rf"{ENCODER}.swin.embeddings.norm.\1"),
    ("backbone.layers.#.blocks.#.norm1.W$", rf"{_SWIN_BLOCK}.layernorm_before.\3"),
    ("backbone.layers.#.blocks.#.norm2.W$", rf"{_SWIN_BLOCK}.layernorm_after.\3"),
    ("backbone.layers.#.blocks.#.attn.qkv.W$", rf"{_SWIN_BLOCK}.attention.[q_proj|k_proj|v_proj].\3"),
    ("backbone.layers.#.blocks.#.attn.proj.W$", rf"{_SWIN_BLOCK}.attention.o_proj.\3"),
    (
        "backbone.layers.#.blocks.#.attn.relative_position_bias_table",
        rf"{_SWIN_BLOCK}.attention.relative_position_bias.relative_position_bias_table",
    ),
    ("backbone.layers.#.blocks.#.mlp.fc#.W$", rf"{_SWIN_BLOCK}.mlp.fc\3.\4"),
    (
        "backbone.layers.#.downsample.reduction.weight",
        rf"{ENCODER}.swin.encoder.layers.\1.downsample.reduction.weight",
    ),
    ("backbone.layers.#.downsample.norm.W$", rf"{ENCODER}.swin.encoder.layers.\1.downsample.norm.\2"),
    ("backbone.norm#.W$", "{swin norm}"),
)
_RESNET = _rules(
    ("backbone.stem.conv1.weight", f"{ENCODER}.embedder.embedder.convolution.weight"),
    ("backbone.stem.conv1.norm.N$", rf"{ENCODER}.embedder.embedder.normalization.\1"),
    ("backbone.res#.#.conv#.weight", "{resnet conv}"),
    ("backbone.res#.#.conv#.norm.N$", "{resnet norm}"),
    ("backbone.res#.#.shortcut.weight", "{resnet shortcut}"),
    ("backbone.res#.#.shortcut.norm.N$", "{resnet shortcut norm}"),
)
# The first published checkpoints have no "pixel_decoder." and call the query features "static_query".
_PIXELS = "sem_seg_head.(?:pixel_decoder.)?"
_PIXEL_LAYER = rf"{_DECODER}.encoder.layers.\1"
_PIXEL_DECODER = _rules(
    (f"{_PIXELS}adapter_1.weight", f"{_DECODER}.adapter_1.0.weight"),
    (f"{_PIXELS}adapter_1.norm.W$", rf"{_DECODER}.adapter_1.1.\1"),
    (f"{_PIXELS}layer_1.weight", f"{_DECODER}.layer_1.0.weight"),
    (f"{_PIXELS}layer_1.norm.W$", rf"{_DECODER}.layer_1.1.\1"),
    (f"{_PIXELS}input_proj.#.#.W$", rf"{_DECODER}.input_projections.\1.\2.\3"),
    (f"{_PIXELS}transformer.level_embed", f"{_DECODER}.level_embed"),
    (
        f"{_PIXELS}transformer.encoder.layers.#.self_attn.(attention_weights|output_proj|sampling_offsets|value_proj).W$",
        rf"{_PIXEL_LAYER}.self_attn.\2.\3",
    ),
    (f"{_PIXELS}transformer.encoder.layers.#.norm1.W$", rf"{_PIXEL_LAYER}.self_attn_layer_norm.\2"),
    (f"{_PIXELS}transformer.encoder.layers.#.norm2.W$", rf"{_PIXEL_LAYER}.final_layer_norm.\2"),
    (f"{_PIXELS}transformer.encoder.layers.#.linear#.W$", rf"{_PIXEL_LAYER}.fc\2.\3"),
    (f"{_PIXELS}mask_features.W$", rf"{_DECODER}.mask_projection.\1"),
)
_PREDICTOR = "sem_seg_head.predictor."
_QUERY_LAYER = rf"{_QUERIES}.decoder.layers.\1"
_QUERY_DECODER = _rules(
    (f"{_PREDICTOR}(?:query_feat|static_query).weight", f"{_QUERIES}.queries_features.weight"),
    (f"{_PREDICTOR}query_embed.weight", f"{_QUERIES}.queries_embedder.weight"),
    (f"{_PREDICTOR}level_embed.weight", f"{_QUERIES}.level_embed.weight"),
    (f"{_PREDICTOR}input_proj.#.W$", rf"{_QUERIES}.input_projections.\1.\2"),
    (
        f"{_PREDICTOR}transformer_self_attention_layers.#.self_attn.in_proj_W$",
        rf"{_QUERY_LAYER}.self_attn.[q_proj|k_proj|v_proj].\2",
    ),
    (
        f"{_PREDICTOR}transformer_self_attention_layers.#.self_attn.out_proj.W$",
        rf"{_QUERY_LAYER}.self_attn.out_proj.\2",
    ),
    (f"{_PREDICTOR}transformer_self_attention_layers.#.norm.W$", rf"{_QUERY_LAYER}.self_attn_layer_norm.\2"),
    (
        f"{_PREDICTOR}transformer_cross_attention_layers.#.multihead_attn.in_proj_W$",
        rf"{_QUERY_LAYER}.cross_attn.in_proj_\2",
    ),
    (
        f"{_PREDICTOR}transformer_cross_attention_layers.#.multihead_attn.out_proj.W$",
        rf"{_QUERY_LAYER}.cross_attn.out_proj.\2",
    ),
    (f"{_PREDICTOR}transformer_cross_attention_layers.#.norm.W$", rf"{_QUERY_LAYER}.cross_attn_layer_norm.\2"),
    (f"{_PREDICTOR}transformer_ffn_layers.#.linear#.W$", rf"{_QUERY_LAYER}.fc\2.\3"),
    (f"{_PREDICTOR}transformer_ffn_layers.#.norm.W$", rf"{_QUERY_LAYER}.final_layer_norm.\2"),
    (f"{_PREDICTOR}decoder_norm.W$", rf"{_QUERIES}.decoder.layernorm.\1"),
    (f"{_PREDICTOR}mask_embed.layers.#.W$", rf"{_QUERIES}.decoder.mask_predictor.mask_embedder.\1.0.\2"),
    (f"{_PREDICTOR}class_embed.W$", r"class_predictor.\1"),
)
_ORIGINAL = (*_SWIN, *_RESNET, *_PIXEL_DECODER, *_QUERY_DECODER)

# In memory transformers has put Swin one level down and renamed its attention; files keep the old names.
_OLD_BLOCK = f"{ENCODER}.(?:swin.)?encoder.layers.#.blocks.#"
_HUGGING_FACE = (
    *_rules(
        (f"{_OLD_BLOCK}.attention.self.query.W$", rf"{_SWIN_BLOCK}.attention.q_proj.\3"),
        (f"{_OLD_BLOCK}.attention.self.key.W$", rf"{_SWIN_BLOCK}.attention.k_proj.\3"),
        (f"{_OLD_BLOCK}.attention.self.value.W$", rf"{_SWIN_BLOCK}.attention.v_proj.\3"),
        (
            f"{_OLD_BLOCK}.attention.self.relative_position_bias_table",
            rf"{_SWIN_BLOCK}.attention.relative_position_bias.relative_position_bias_table",
        ),
        (f"{_OLD_BLOCK}.attention.output.dense.W$", rf"{_SWIN_BLOCK}.attention.o_proj.\3"),
        (f"{_OLD_BLOCK}.intermediate.dense.W$", rf"{_SWIN_BLOCK}.mlp.fc1.\3"),
        (f"{_OLD_BLOCK}.output.dense.W$", rf"{_SWIN_BLOCK}.mlp.fc2.\3"),
        (f"{ENCODER}.(?:swin.)?(encoder.layers|embeddings).*", rf"{ENCODER}.swin.\1.\2"),
        ("(model|class_predictor).*", r"\1.\2"),
    ),
)
