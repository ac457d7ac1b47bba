"""Training of the kitchen models in plain torch: on one core in minutes, on a GPU when there is one.

Belongs here: networks, losses, augmentation, calibration of thresholds, export to ONNX. Does not belong here:
anything that judges a video; that needs no torch.
"""
