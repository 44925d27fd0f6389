"""The exercises of Transposed and dilated convolutions. An answer is judged by what it does."""
