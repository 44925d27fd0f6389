"""The experiments of the chapter Inductive bias: each draws data, trains over seeds, measures."""
