//! Kafka's error codes by what the caller does about them.

use auscult_engine::log::LogError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Trying again.
    Again,
    /// This member's generation is over; whether its partitions are, the consumer knows.
    Generation,
    /// Beginning anew as a member that owns nothing.
    Fenced,
    /// A person, who is told what to do.
    Person(&'static str),
}

/// What helps against `code`.
pub(crate) fn remedy(code: Code) -> Remedy {
    match code {
        Code::IllegalGeneration | Code::RebalanceInProgress => Remedy::Generation,
        Code::UnknownMemberId
        | Code::FencedInstanceId
        | Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::UnknownProducerId
        | Code::InvalidTransactionalState
        | Code::AssignmentLost
        | Code::State => Remedy::Fenced,
        Code::TopicAuthorizationFailed => {
            Remedy::Person("allow this user to read and write the topics of the settings")
        }
        Code::GroupAuthorizationFailed => {
            Remedy::Person("allow this user the groups that begin with kafka.group_prefix")
        }
        Code::TransactionalIdAuthorizationFailed => Remedy::Person(
            "allow this user the transactional ids that begin with kafka.group_prefix",
        ),
        Code::ClusterAuthorizationFailed => {
            Remedy::Person("allow this user idempotent writes on the cluster")
        }
        Code::SaslAuthenticationFailed | Code::Authentication => {
            Remedy::Person("check kafka.security: the brokers refused this user")
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            Remedy::Person("create the topic: `auscult topics apply`")
        }
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => {
            Remedy::Person("raise max.message.bytes of the topic (and of the brokers)")
        }
        Code::OffsetMetadataTooLarge => {
            Remedy::Person("raise offset.metadata.max.bytes of the brokers to at least 4096")
        }
        Code::InvalidTopic => Remedy::Person("correct the topic's name in engine.topics"),
        Code::PolicyViolation | Code::InvalidRecord => {
            Remedy::Person("ask whoever set the brokers' policy for this topic")
        }
        Code::InvalidTransactionTimeout => Remedy::Person(
            "lower kafka.transaction_timeout_seconds, or raise transaction.max.timeout.ms of the brokers",
        ),
        Code::UnsupportedVersion | Code::UnsupportedFeature => {
            Remedy::Person("use brokers of Apache Kafka 2.5 or later")
        }
        Code::InconsistentGroupProtocol => {
            Remedy::Person("another program uses this group: change kafka.group_prefix")
        }
        _ => Remedy::Again,
    }
}

/// An error of a call that changes nothing.
pub(crate) fn blocked(error: &KafkaError, place: &str) -> LogError {
    let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
    match remedy(code) {
        Remedy::Again => LogError::Retry(format!("{place}: {error}")),
        Remedy::Generation | Remedy::Fenced => LogError::Fenced(format!("{place}: {error}")),
        Remedy::Person(what) => LogError::Fatal(format!("{place}: {error}; {what}")),
    }
}
