"""Number formats of training, and what a device can do with them."""

from __future__ import annotations

import torch

from ros_anomaly.choice import Choice


class Precision(Choice):
    """Format that convolutions and matrix products are computed in; weights and the loss stay float32."""

    AUTO = "auto"
    """bf16 on a GPU that has it, fp16 on one that has not, fp32 on the CPU (where autocast costs more than it saves:
    most layers of the default network are depthwise or short of channels)."""
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    """With loss scaling; on a GPU only."""

    def on(self, device: torch.device) -> Precision:
        """What this is on ``device``, never ``AUTO``. ValueError where the device cannot do it."""
        if device.type == "cpu":
            if self is Precision.FP16:
                raise ValueError("precision: expected auto, fp32 or bf16 on the CPU, found fp16 (it needs a GPU)")
            return Precision.FP32 if self is Precision.AUTO else self
        has_bf16 = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
        if self is Precision.AUTO:
            return Precision.BF16 if has_bf16 else Precision.FP16
        if self is Precision.BF16 and not has_bf16:
            raise ValueError(
                f"precision: expected auto, fp32 or fp16 on {torch.cuda.get_device_name(device)}, found bf16"
            )
        return self
