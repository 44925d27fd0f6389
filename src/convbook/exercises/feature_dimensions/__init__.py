"""The exercises of the chapter Feature dimensions. An answer is judged by what it does."""
