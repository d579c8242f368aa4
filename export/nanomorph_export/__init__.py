"""Export: from training runs to one bundle that the runtime loads. Nothing leaves unproven."""
