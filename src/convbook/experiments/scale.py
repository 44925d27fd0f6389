"""Whether experiments run at full size: with a GPU they do."""

from __future__ import annotations

import torch

FULL = torch.cuda.is_available()
