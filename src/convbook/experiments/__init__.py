"""The experiments of the chapter Inductive bias: each one draws data, trains over seeds, measures."""
