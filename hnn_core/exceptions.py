"""Every error a user of this package can meet, in one tree.

A message is one sentence that names the offending value and says what to do.
The command line prints it on stderr and exits with the error's `exit_code`; the page shows it in a
box. Every name here is public.
"""

import re
from typing import ClassVar

_ENDLESS = re.compile(r"(\S{60})\S{600,}")


def brief(message: str) -> str:
    """Return a sentence in which words of thousands of letters, which people may type, are cut."""
    return _ENDLESS.sub(r"\1…", message)


class HnnError(Exception):
    """Base of all errors with a sentence for the user, which stays one whatever was typed."""

    exit_code: ClassVar[int] = 2
    """Of a command that ends by it: 2, what was typed or given cannot be used here; 1, all of that
    is sound, and what was requested could not be had from elsewhere."""

    def __str__(self) -> str:
        return brief(super().__str__())


class FitsError(HnnError):
    """A file cannot be used as a SHARP CEA line-of-sight magnetogram."""


class WrongInstrumentError(FitsError):
    """The file is from another instrument or holds another segment."""


class TruncatedFitsError(FitsError):
    """The file ends early or its compressed pixels cannot be decoded."""


class MissingKeywordError(FitsError):
    """A keyword that is needed is absent or unreadable."""


class SourceError(HnnError):
    """A source of magnetograms cannot answer."""


class UnknownSourceError(SourceError):
    """The source specification is not understood or its folder does not exist."""


class EmptySourceError(SourceError):
    """The source holds no usable magnetogram."""


class ArchiveError(SourceError):
    """An archive is damaged, too large to be unpacked, or none at all."""


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


class HubError(ModelError):
    """The Hugging Face hub does not give weights that it holds."""

    exit_code = 1


class AttentionCaptureError(HnnError):
    """No attention matrix was seen while the network ran."""


class FlareTableError(HnnError):
    """A table of flares cannot be read as one."""


class DatasetError(HnnError):
    """A stored data set cannot be made or used."""


class CorruptDatasetError(DatasetError):
    """A file of the data set is damaged or its checksum is not the card's."""


class ForeignDatasetError(DatasetError):
    """The data set is of another program, or its frames are cut or scaled in another way."""


class OneClassError(DatasetError):
    """All sequences have the same label, so there is nothing to distinguish."""


class TooFewGroupsError(DatasetError):
    """There are fewer groups of regions than parts to split them into."""


class TrainingError(HnnError):
    """A network cannot be trained."""


class RunError(TrainingError):
    """A run folder cannot be used in that way now."""


class UnknownRunError(RunError):
    """No run has that name and no run folder is at that path."""


class MachineError(HnnError):
    """The machine refuses what is needed: the program's folder, a disk, memory, open files."""


class DiskFullError(MachineError):
    """The disk has no room left for what is to be written."""


class RequestError(HnnError):
    """A user's request cannot be met: a number, date, name or setting is wrong, or not allowed."""


class CatalogError(HnnError):
    """A catalogue cannot be read, or does not hold what is requested."""


class ServiceError(HnnError):
    """An outside service does not give what is requested."""

    exit_code = 1


class ServiceFaultError(ServiceError):
    """The service answers with faults alone."""


class LimitError(ServiceFaultError):
    """The service has had too many requests for now."""


class RefusedError(ServiceError):
    """The service refuses this request."""


class BlockedError(RefusedError):
    """The service has blocked this user."""


class NoRecordsError(ServiceError):
    """The service has no record of what is requested."""


class OffLineError(ServiceError):
    """Records that are requested are off line at JSOC now; they may come back."""


class TransientReplyError(ServiceError):
    """One reply was not sound; another request may help. Never leaves `hnn_core.services`."""


class FigureError(HnnError):
    """A figure cannot be turned into a picture or a file."""
