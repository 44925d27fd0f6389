"""The exercises of the chapter Transposed and dilated convolutions, judged by what an answer does."""
