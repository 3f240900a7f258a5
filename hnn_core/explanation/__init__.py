"""Explanations of predictions: maps of the tokens, scores of the hours, and checks of both.

Every method is a function of a network and of frames, in one style.

Parameters
----------
model : HNN
    In service or not: a method works on a copy that shares its weights in memory.
images : Tensor (T, 1, H, W)
    Frames as the network takes them, row 0 south; T hours, ascending.
target : str
    ``"eruptive"`` or ``"confined"``: the class whose log-odds or probability is explained.
batch : int
    Frames in one pass, which bounds memory.
work : Work, optional
    Counts the frames that pass, and stops when it is cancelled.

Raises
------
AttentionCaptureError
    If a map is of attention and the network's cannot be seen.
CancelledError
    `concurrent.futures.CancelledError`, if the work is to stop.
RequestError
    If a choice is not possible.
ValueError
    If the frames are not of the network's shape.
"""
