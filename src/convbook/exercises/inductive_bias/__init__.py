"""The exercises of the chapter Inductive bias. An answer is judged by what it does."""
