"""Every error oplake raises on purpose, grouped by who can put it right.

OplakeError
├── UserError           the person who wrote the spec or typed the command
│   ├── SpecError       the YAML files are wrong (carries every diagnostic)
│   ├── UsageError      the command line is wrong (exit 2)
│   ├── PlanRefused     the plan is stale, or asks for a replace nobody allowed
│   └── TypeConflict    a value does not fit its column under ``on_conflict: fail``
├── OperatorError       the environment: a server, a disk, a permission
│   ├── SourceError     MongoDB or Kafka cannot be reached or refuses
│   ├── ResumePointLost oplog or topic no longer hold the position to resume from
│   ├── TransportError  Kafka or Kafka Connect cannot be changed as a plan asks
│   ├── CollectionGone  the collection was dropped or renamed while it was read
│   ├── TooManyDeadLetters more records cannot be decoded than the pipeline allows
│   ├── LakeError       the Delta tables cannot be read or written, or one was replaced under its writer
│   ├── StateError      the state database cannot be read or written
│   ├── SecretsError    Vault refuses a login or a secret, or has none of that name
│   ├── ClusterError    a Ray cluster cannot be reached, or loses the same work again and again
│   ├── ToolMissing     a program or extra that this command needs is not installed
│   └── QueryError      a SQL statement failed or was refused
├── RetryableError      the code: try again from the committed position
│   ├── SourceUnreachable MongoDB or Kafka does not answer just now
│   ├── SecretsUnreachable Vault is sealed or does not answer just now
│   ├── CredentialsChanged Vault gives other credentials than the connection in use was made with
│   ├── PartitionsMoved the consumer group has shared out its partitions anew
│   └── CommitConflict  somebody else committed first, or the commit's fate is unknown
└── InternalError       nobody: a bug in oplake
"""

from typing import ClassVar


class OplakeError(Exception):
    """Base of the hierarchy: says what happened, where, and what to do next.

    ``code`` is a stable kebab-case identifier that scripts and dashboards may match on.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"\n  help: {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class UserError(OplakeError):
    """The person who wrote the spec or typed the command can put it right."""

    code = "user-error"


class UsageError(UserError):
    """The command line does not make sense."""

    code = "usage"
    exit_code = 2


class PlanRefused(UserError):
    """The plan no longer describes the world, or does something nobody allowed."""

    code = "plan-refused"


class TypeConflict(UserError):
    """A value does not fit its column and the spec says ``on_conflict: fail``."""

    code = "type-conflict"


class OperatorError(OplakeError):
    """The environment has to change before this can work."""

    code = "operator-error"


class SourceError(OperatorError):
    """MongoDB or Kafka cannot be reached, or refuses what we ask of it."""

    code = "source-unavailable"


class TransportError(OperatorError):
    """Kafka or Kafka Connect cannot be reached, or refuses what we ask of it."""

    code = "transport-unavailable"


class ResumePointLost(OperatorError):
    """Oplog or topic no longer hold the position the table stands at: changes are gone."""

    code = "resume-point-lost"


class CollectionGone(OperatorError):
    """The collection was dropped or renamed while its changes were being read."""

    code = "collection-gone"


class TooManyDeadLetters(OperatorError):
    """More records cannot be decoded than the pipeline's ``max_dead_letters`` allows."""

    code = "too-many-dead-letters"


class LakeError(OperatorError):
    """A Delta table cannot be read or written."""

    code = "lake-unavailable"


class StateError(OperatorError):
    """The state database cannot be read or written."""

    code = "state-unavailable"


class SecretsError(OperatorError):
    """Vault refuses a login or a secret, or has none of that name."""

    code = "secrets-unavailable"


class ClusterError(OperatorError):
    """A Ray cluster cannot be reached, does not fit, or loses the same work again and again."""

    code = "cluster-unavailable"


class ToolMissing(OperatorError):
    """A program or optional extra that the command needs is not installed."""

    code = "tool-missing"


class QueryError(OperatorError):
    """A SQL statement failed, or was refused."""

    code = "query-failed"


class RetryableError(OplakeError):
    """Try again from the position that was committed last."""

    code = "retryable"


class SourceUnreachable(RetryableError):
    """MongoDB or Kafka does not answer just now."""

    code = "source-unreachable"


class SecretsUnreachable(RetryableError):
    """Vault is sealed or does not answer just now, and nothing that is still good is known."""

    code = "secrets-unreachable"


class CredentialsChanged(RetryableError):
    """Vault gives other credentials than the connection in use was made with: go on with a new one."""

    code = "credentials-changed"


class PartitionsMoved(RetryableError):
    """The consumer group has shared out its partitions anew: go on with what is ours now."""

    code = "partitions-moved"


class CommitConflict(RetryableError):
    """Another writer committed first, or the fate of our commit is unknown."""

    code = "commit-conflict"


class InternalError(OplakeError):
    """A bug in oplake: nobody but its developers can put it right."""

    code = "internal-error"
