"""Every error that wikiembed raises on purpose.

WikiembedError                      exit code
├── ConditionNotMet                 1   the answer is "no": not ready, unhealthy
│   └── SourcePaused                1   the source is paused; names by whom and why
├── WrongUsage                      2   an argument or a setting is wrong
│   ├── ConfigurationError          2   a setting, the environment, a missing extra
│   ├── SchemaMismatch              2   the database has another wikiembed schema version
│   ├── InputError                  2   a file that cannot be read as what it claims to be
│   ├── SourceNotFound              2   WE001
│   ├── SourceRefused               2   WE002 … WE007, WE009: attach says why
│   ├── InvalidArgument             2   WE010
│   ├── SearchRefused               2   WE013: a filter, a limit, no index of text
│   └── ModelMismatch               2   WE011: the source is pinned to another model
├── DatabaseError                   3
│   ├── DatabaseUnreachable         3   refused, gone, starting up
│   │   └── DatabaseReadOnly        3   a standby, or default_transaction_read_only
│   ├── LockNotAvailable            3   55P03: a lock was not acquired in time
│   ├── WriteRefused                3   WE012: a trigger or constraint keeps a vector out
│   └── WrongIsolation              3   WE008: anything but read committed
├── DatabasesFailed                 1   some of several databases: the highest code of theirs
├── RayUnreachable                  3   no Ray cluster for `wikiembed fleet`, or it was lost
└── EmbedderError                   3   an error of an embedding server; has the HTTP status
    ├── EmbedderUnavailable         3   refused, 408, 503
    │   ├── EmbedderLost            3   connection lost while the server had the batch, 502
    │   ├── EmbedderTimeout         3   no answer in time, 504
    │   └── EmbedderThrottled       3   429; carries Retry-After
    ├── EmbedderMisconfigured       2   401, 403, unknown model, quota used up
    ├── EmbedderRejected            3   any other error answer to a batch
    │   ├── BatchTooLarge           3   a stated limit on texts or bytes per request
    │   └── TextTooLong             3   a text beyond the model's context
    └── EmbedderBadAnswer           3   200, but no usable vectors in it
"""

from __future__ import annotations

from collections.abc import Mapping


class WikiembedError(Exception):
    """The root: one sentence that says what happened and what to do."""

    exit_code: int = 1


class ConditionNotMet(WikiembedError):
    """The request is valid and the answer is no."""


class SourcePaused(ConditionNotMet):
    """The source is paused; the message names who, when and why."""


class WrongUsage(WikiembedError):
    """An argument or a setting is wrong."""

    exit_code = 2


class ConfigurationError(WrongUsage):
    """A setting is missing or wrong, or an optional dependency is not installed."""


class SchemaMismatch(WrongUsage):
    """The database holds no wikiembed schema, or one of another version."""


class InputError(WrongUsage):
    """A file cannot be read as what it claims to be."""


class SourceNotFound(WrongUsage):
    """No source has that name (SQLSTATE WE001)."""


class SourceRefused(WrongUsage):
    """``attach`` refuses the table or one of its columns (WE002 to WE007, WE009)."""


class InvalidArgument(WrongUsage):
    """An argument of a SQL function is out of range (WE010)."""


class SearchRefused(WrongUsage):
    """A search cannot be run: its filter, its limit, no index of text (WE013)."""


class ModelMismatch(WrongUsage):
    """The source is pinned to another provider, model or dimension (WE011)."""


class DatabaseError(WikiembedError):
    """A statement failed in Postgres."""

    exit_code = 3


class DatabaseUnreachable(DatabaseError):
    """No connection to Postgres is available."""


class DatabaseReadOnly(DatabaseUnreachable):
    """Postgres answers but is read-only: out of reach for a worker, as after a failover."""


class LockNotAvailable(DatabaseError):
    """A lock was not acquired within ``lock_timeout`` (55P03)."""


class WriteRefused(DatabaseError):
    """Postgres refuses a row of a batch: a constraint, a user's trigger (WE012)."""


class WrongIsolation(DatabaseError):
    """The transaction is not read committed (WE008)."""


class DatabasesFailed(WikiembedError):
    """Some of several databases failed, `errors` by their names; the others had their turn."""

    def __init__(self, errors: Mapping[str, WikiembedError], *, of: int) -> None:
        each = "; ".join(f"{name}: {str(error).rstrip('.')}" for name, error in errors.items())
        super().__init__(f"{len(errors)} of {of} databases failed: {each}.")
        self.errors = dict(errors)
        self.exit_code = max(error.exit_code for error in errors.values())

    def __reduce__(self) -> tuple[object, ...]:
        """Its text alone, since its arguments are not those of its constructor."""
        return WikiembedError, self.args, {"exit_code": self.exit_code}


class RayUnreachable(WikiembedError):
    """No Ray cluster is in reach, or none of its nodes runs an actor."""

    exit_code = 3


class EmbedderError(WikiembedError):
    """An error of an embedding server, with the HTTP status if there was one.

    The message never holds a text that was sent, nor the API key.
    """

    exit_code = 3

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status


class EmbedderUnavailable(EmbedderError):
    """The server cannot be reached, or reports that it is unavailable."""

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.retry_after_s = retry_after_s


class EmbedderLost(EmbedderUnavailable):
    """The connection was lost while the server had the batch, which may have crashed it."""


class EmbedderTimeout(EmbedderUnavailable):
    """The server did not answer within the request timeout."""


class EmbedderThrottled(EmbedderUnavailable):
    """429: too many requests; always an outage, never a text's fault."""


class EmbedderMisconfigured(EmbedderError):
    """The key, the model or the account is wrong: an operator must act."""

    exit_code = 2


class EmbedderRejected(EmbedderError):
    """The server returned an error for this batch; a probe decides whose fault it is.

    `said`: its message, without what was sent; `own_fault`: it reports the server's own failure.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        said: str = "",
        own_fault: bool = False,
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.said = said
        self.own_fault = own_fault


class BatchTooLarge(EmbedderRejected):
    """The server accepts fewer texts or bytes per request; ``limit`` is in texts if stated."""

    def __init__(
        self, message: str, *, http_status: int | None = None, limit: int | None = None
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.limit = limit


class TextTooLong(EmbedderRejected):
    """A text of the batch is longer than the model's context.

    ``limit`` and ``given`` are the tokens that it accepts and that the text has, if stated.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        limit: int | None = None,
        given: int | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.limit = limit
        self.given = given


class EmbedderBadAnswer(EmbedderError):
    """A success status without usable vectors: wrong count, wrong shape, not JSON."""
