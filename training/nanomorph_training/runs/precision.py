"""Precision of a training's forward pass: fp32, or mixed with bf16 or fp16 (Micikevicius et al. 2018)."""

from __future__ import annotations

import torch

AMP = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: torch.device, amp: str) -> torch.autocast:
    """The context in which a forward pass runs at precision `amp`, a key of AMP."""
    return torch.autocast(device.type, dtype=AMP[amp] if amp != "fp32" else None, enabled=amp != "fp32")


def gradient_scaler(device: torch.device, amp: str) -> torch.amp.GradScaler:
    """Keeps gradients inside fp16's range; does nothing at other precisions."""
    return torch.amp.GradScaler(device.type, enabled=amp == "fp16")
