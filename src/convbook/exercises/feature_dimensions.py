"""The exercises of the chapter Feature dimensions. An answer is judged by what it does."""

from __future__ import annotations

# Second half: downsampling, equivariance and invariance.
