"""The exercises of the chapter GPU memory. An answer is judged by what it does."""
