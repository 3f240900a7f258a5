"""Every error a user of this package can meet, in one tree.

A message is one sentence that names the offending value and says what to do.
The command line prints it on stderr and exits with 2; the page shows it in a box.
"""

__all__ = [
    "AttentionCaptureError",
    "CorruptModelError",
    "EmptySourceError",
    "FitsError",
    "ForeignModelError",
    "HnnError",
    "MissingKeywordError",
    "MissingMetadataError",
    "MissingModelFileError",
    "ModelError",
    "NotCeaError",
    "OffLimbError",
    "OversizeError",
    "PositionError",
    "SequenceError",
    "SourceError",
    "TruncatedFitsError",
    "UnknownModelError",
    "UnknownRegionError",
    "UnknownSourceError",
    "UnknownTimeError",
    "WrongInstrumentError",
]


class HnnError(Exception):
    """Base of all errors with a sentence for the user."""


class FitsError(HnnError):
    """A file cannot be used as a SHARP CEA line-of-sight magnetogram."""


class WrongInstrumentError(FitsError):
    """The file is from another instrument or holds another segment."""


class NotCeaError(FitsError):
    """The file is in CCD coordinates, not in the cylindrical equal-area projection."""


class TruncatedFitsError(FitsError):
    """The file ends early or its compressed pixels cannot be decoded."""


class MissingMetadataError(FitsError):
    """The file has neither keywords nor a JSOC file name to tell region and time."""


class MissingKeywordError(FitsError):
    """A keyword that is needed is absent or unreadable."""


class OversizeError(FitsError):
    """The header claims more pixels than any active-region patch has."""


class SourceError(HnnError):
    """A source of magnetograms cannot answer."""


class UnknownSourceError(SourceError):
    """The source specification is not understood or its folder does not exist."""


class EmptySourceError(SourceError):
    """The source holds no usable magnetogram."""


class UnknownRegionError(SourceError):
    """The source has no such region."""


class UnknownTimeError(SourceError):
    """The region has no record at that time."""


class SequenceError(HnnError):
    """No sequence of magnetograms can be made for that hour.

    Attributes
    ----------
    missing : tuple of str
        The missing hours as ISO strings (TAI, minutes), empty if that is not the reason.
    """

    def __init__(self, message: str, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class PositionError(HnnError):
    """The region is too far from the central meridian for a prediction."""


class OffLimbError(PositionError):
    """The patch has no pixel on the disk."""


class ModelError(HnnError):
    """A model cannot be loaded or used."""


class UnknownModelError(ModelError):
    """No model has that name and no folder is at that path."""


class MissingModelFileError(ModelError):
    """The model folder lacks config.json or model.safetensors."""


class ForeignModelError(ModelError):
    """The folder holds a model of another program or architecture."""


class CorruptModelError(ModelError):
    """A model file is damaged: not JSON, not safetensors, or of the wrong shapes."""


class AttentionCaptureError(HnnError):
    """No attention matrix was seen while the network ran."""
