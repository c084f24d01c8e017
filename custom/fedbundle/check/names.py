"""Names of the rules, known without importing MONAI."""

READING = (
    *("layout", "documents", "metadata", "version", "dicom", "digests"),
    *("overlays", "references", "federation", "classes", "one_recipe"),
)
RUNNING = (
    *("targets", "properties", "net_in_out", "torchscript", "torch_export", "onnx"),
    *("trains", "evaluates", "infers", "several_gpus"),
)
NAMES = (*READING, *RUNNING)
FULL_NAMES = ("properties", "net_in_out", "torchscript", "torch_export", "onnx", "trains")
