"""The exercises of the chapter Feature dimensions: right in any form, wrong in the usual ways."""

# Second half: downsampling, equivariance and invariance.
