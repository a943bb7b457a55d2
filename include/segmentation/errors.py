"""Faults that a person can mend. Each message says what is wrong, where, and what to do."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(Exception):
    """Something outside the code is wrong. Shown as one line, without a stack trace, and never retried."""


class SettingsError(UserError):
    """The settings cannot be used; the message lists every fault."""


class SourceError(UserError):
    """The shop, its file or its SELECTs are not what the source contract asks for.

    `table` is the canonical table at fault, where one is; `unsaid` is the message without values of the shop,
    where it has any.
    """

    def __init__(self, message: str, table: str | None = None, unsaid: str | None = None) -> None:
        super().__init__(message)
        self.table = table
        self.unsaid = unsaid or message


class NoAnswer(Exception):
    """A database does not answer, or not in time. Shown as one line, without a stack trace; asked again."""


class ShopError(NoAnswer):
    """The shop does not answer just now: a time limit, a lock, a connection lost. It is asked again."""


class WarehouseError(NoAnswer):
    """The warehouse does not do it just now: a lock of another session, no connection, a full disk."""


class GateFailed(UserError):
    """A quality gate found a critical fault. The results are stored before this is raised."""


class BalanceError(UserError):
    """Rows in are not rows kept + merged + quarantined: something was dropped."""


class LeaseError(UserError):
    """Another run holds this as-of date, or this run has lost it."""


class HeldError(UserError):
    """Too many customers would change segment: nothing is published until somebody decides (or did)."""


class DecisionError(UserError):
    """A run cannot be released or rejected; nothing was changed."""


class MismatchError(UserError):
    """Features differ from a full recomputation: the roll-up is wrong."""


class MaintenanceError(UserError):
    """More than a share of what is there would be removed, and nobody said so; nothing was removed."""


class OverridesError(UserError):
    """The overrides of a run (an algorithm, a number of segments) cannot be had from its customers."""


def full_disk(error: BaseException | None, folder: object = None) -> str:
    """The words of a disk that has no room, wherever in the chain of causes that is; empty for other errors.

    `folder` is where was written; the error itself rarely knows.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            place = error.filename or folder
            where = f" of {place}" if place else ""
            return f"the disk{where} is full: {error.strerror or 'no space is left'}; make room there"
        error = error.__cause__ or error.__context__
    return ""
