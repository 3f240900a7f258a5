"""Every error a user of this package can meet, in one tree.

A message is one sentence that names the offending value and says what to do.
The command line prints it on stderr and exits with 2; the page shows it in a box. Every name
here is public.
"""


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
    """The file has neither keywords nor a JSOC file name by which region and time are known."""


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
    """The model folder has no config.json or model.safetensors."""


class ForeignModelError(ModelError):
    """The folder holds a model of another program or architecture."""


class CorruptModelError(ModelError):
    """A model file is damaged: not JSON, not safetensors, or of the wrong shapes."""


class AttentionCaptureError(HnnError):
    """No attention matrix was seen while the network ran."""


class FlareTableError(HnnError):
    """A table of flares cannot be read as one."""


class DatasetError(HnnError):
    """A stored data set cannot be made or used."""


class UnknownDatasetError(DatasetError):
    """No data set has that name and no folder is at that path."""


class UnfinishedDatasetError(DatasetError):
    """The data set's build has not come to its end; building again resumes it."""


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


class CheckpointError(TrainingError):
    """No checkpoint of the run can be read."""


class DivergedError(TrainingError):
    """The loss is not a finite number any more."""


class DiskFullError(TrainingError):
    """The disk has no room left for the run's files."""


class ShortOfMemoryError(TrainingError):
    """The device has less memory than a batch needs."""


class RequestError(HnnError):
    """A user's request cannot be met: a number, date, name or setting is wrong."""


class CatalogError(HnnError):
    """A catalogue cannot be read, or does not hold what is requested."""


class ServiceError(HnnError):
    """An outside service does not give what is requested."""


class UnreachableError(ServiceError):
    """No connection to the service, or no answer in time."""


class ServiceFaultError(ServiceError):
    """The service answers with faults alone."""


class RefusedError(ServiceError):
    """The service refuses this request."""


class BlockedError(RefusedError):
    """The service has blocked this user."""


class ExportError(ServiceError):
    """JSOC will not export these records, or not now."""


class NoRecordsError(ServiceError):
    """The service has no record of what is requested."""


class TransientReplyError(ServiceError):
    """One reply was not sound; another request may help. Never leaves `hnn_core.services`."""


class NotAllowedError(HnnError):
    """The operator has not allowed this from where the page is opened."""
