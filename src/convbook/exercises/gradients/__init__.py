"""The exercises of the chapter Gradients. An answer is judged by what it does."""
