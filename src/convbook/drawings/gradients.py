"""The drawings of the first half of the chapter Gradients: derivations, patches, memory."""
