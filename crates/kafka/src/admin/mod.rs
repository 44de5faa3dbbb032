//! Topics: what there is to be, what there is, and making what is missing.
//!
//! Decision: an existing topic is never changed. Altering partitions moves keys, altering retention deletes what people
//! count on; a tool that does so because a settings file says so has no way back. A difference is reported with both
//! values and the command that would mend it; a person runs it. It beat "apply makes it so".

mod difference;
mod policy;

pub use difference::{Difference, FoundTopic, differences};
pub use policy::{CheckedTopicPolicy, RetentionDays, TopicPolicy, TopicSpec, specs};

use crate::context::Listener;
use crate::settings::CheckedKafkaSettings;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest wait for an answer of the broker.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How soon a topic just made is looked for again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why topics could not be looked at or made, by what the caller would do.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No broker answered.
    #[error("no broker of {brokers} answered within {} s: {reason}; check kafka.brokers, and that the broker runs", ANSWER_WITHIN.as_secs())]
    Unreachable {
        /// Brokers asked.
        brokers: String,
        /// What the client library said.
        reason: String,
    },
    /// The library's admin client never serves the question for a token: it would wait for one for ever.
    #[error(
        "`auscult topics` cannot log in with OAUTHBEARER: use another mechanism for this command, or make and compare topics with Kafka's own tools"
    )]
    NoToken,
    /// The broker said no to looking.
    #[error(
        "the broker refused to describe topics: {0}; the user needs the right Describe and DescribeConfigs on them"
    )]
    Refused(String),
    /// The broker refused to make a topic.
    #[error("topic {topic} was not made: {reason}; {remedy}")]
    NotMade {
        /// Topic.
        topic: String,
        /// What the broker said.
        reason: String,
        /// What a person can do.
        remedy: String,
    },
}

/// A topic that is to be, and what the broker has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// As it is to be.
    pub spec: TopicSpec,
    /// What there is.
    pub state: TopicState,
}

/// What the broker has of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicState {
    /// There is none.
    Missing,
    /// It is as it is to be.
    Right,
    /// It is not.
    Different(Vec<Difference>),
}

/// Looks at topics and makes missing ones.
pub struct Admin {
    client: AdminClient<Listener>,
    brokers: String,
}

impl Admin {
    /// A client with connection settings; nothing is sent yet.
    ///
    /// # Errors
    /// Settings that the client library refuses.
    pub fn new(settings: &CheckedKafkaSettings) -> Result<Admin, AdminError> {
        if settings.security.token_file.is_some() {
            return Err(AdminError::NoToken);
        }
        let brokers = settings.brokers.join(", ");
        let client = crate::config::base(settings, "admin")
            .create_with_context(Listener::new(None))
            .map_err(|error| AdminError::Unreachable {
                brokers: brokers.clone(),
                reason: crate::config::without_values(&error),
            })?;
        Ok(Admin { client, brokers })
    }

    /// Compares every topic of `specs` with what the broker has.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub fn compare(&self, specs: &[TopicSpec]) -> Result<Vec<Compared>, AdminError> {
        let found = self.found(specs)?;
        Ok(specs
            .iter()
            .map(|spec| {
                let state = match found.get(&spec.name) {
                    None => TopicState::Missing,
                    Some(topic) => {
                        let all = differences(spec, topic);
                        if all.is_empty() {
                            TopicState::Right
                        } else {
                            TopicState::Different(all)
                        }
                    }
                };
                Compared {
                    spec: spec.clone(),
                    state,
                }
            })
            .collect())
    }

    /// How many brokers there are: no topic can have more copies.
    ///
    /// # Errors
    /// See [`AdminError`].
    pub fn brokers(&self) -> Result<usize, AdminError> {
        Ok(self.metadata()?.brokers().len())
    }

    fn metadata(&self) -> Result<rdkafka::metadata::Metadata, AdminError> {
        // Of all topics: asking for one by name can create it where the broker makes topics by itself.
        self.client
            .inner()
            .fetch_metadata(None, ANSWER_WITHIN)
            .map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &KafkaError) -> AdminError {
        AdminError::Unreachable {
            brokers: self.brokers.clone(),
            reason: error.to_string(),
        }
    }

    fn found(&self, specs: &[TopicSpec]) -> Result<BTreeMap<String, FoundTopic>, AdminError> {
        let metadata = self.metadata()?;
        let mut found: BTreeMap<String, FoundTopic> = metadata
            .topics()
            .iter()
            .filter(|topic| specs.iter().any(|spec| spec.name == topic.name()))
            .map(|topic| {
                let mut partitions: Vec<(i32, u32)> = topic
                    .partitions()
                    .iter()
                    .map(|partition| (partition.id(), partition.replicas().len() as u32))
                    .collect();
                partitions.sort_unstable();
                let copies = partitions.into_iter().map(|(_, copies)| copies).collect();
                let configuration = BTreeMap::new();
                (
                    topic.name().to_owned(),
                    FoundTopic {
                        copies,
                        configuration,
                    },
                )
            })
            .collect();
        self.describe(&mut found)?;
        Ok(found)
    }

    fn describe(&self, found: &mut BTreeMap<String, FoundTopic>) -> Result<(), AdminError> {
        if found.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = found.keys().cloned().collect();
        let resources: Vec<ResourceSpecifier<'_>> = names
            .iter()
            .map(|name| ResourceSpecifier::Topic(name))
            .collect();
        let answers = pollster::block_on(self.client.describe_configs(&resources, &options()))
            .map_err(|error| self.unreachable(&error))?;
        for answer in answers {
            let resource = answer.map_err(|code| AdminError::Refused(code.to_string()))?;
            let OwnedResourceSpecifier::Topic(name) = &resource.specifier else {
                continue;
            };
            if let Some(topic) = found.get_mut(name) {
                topic.configuration = resource
                    .entries
                    .into_iter()
                    .filter_map(|entry| Some((entry.name, entry.value?)))
                    .collect();
            }
        }
        Ok(())
    }

    /// Makes topics, and waits until brokers show them. Those that came first are there when a later one is refused: the
    /// broker makes them one by one.
    ///
    /// # Errors
    /// See [`AdminError`]; the first topic refused.
    pub fn create(&self, specs: &[&TopicSpec]) -> Result<(), AdminError> {
        if specs.is_empty() {
            return Ok(());
        }
        let new: Vec<NewTopic<'_>> = specs.iter().map(|spec| new_topic(spec)).collect();
        let answers = pollster::block_on(self.client.create_topics(&new, &options()))
            .map_err(|error| self.unreachable(&error))?;
        match answers.into_iter().find_map(Result::err) {
            None => self.wait_until_shown(specs),
            Some((topic, code)) => Err(AdminError::NotMade {
                topic,
                reason: code.to_string(),
                remedy: remedy(code).to_owned(),
            }),
        }
    }

    /// The controller's word comes before the brokers know of a topic: whoever starts a service next would miss it.
    fn wait_until_shown(&self, specs: &[&TopicSpec]) -> Result<(), AdminError> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            let metadata = self.metadata()?;
            let shown = |spec: &TopicSpec| {
                metadata.topics().iter().any(|topic| {
                    topic.name() == spec.name
                        && topic.partitions().len() == spec.partitions as usize
                })
            };
            let Some(hidden) = specs.iter().find(|spec| !shown(spec)) else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                return Err(AdminError::NotMade {
                    topic: hidden.name.clone(),
                    reason: format!(
                        "the broker took it, and does not show it after {} s",
                        ANSWER_WITHIN.as_secs()
                    ),
                    remedy: "run `auscult topics verify` in a while".to_owned(),
                });
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_WITHIN))
        .operation_timeout(Some(ANSWER_WITHIN))
}

fn new_topic(spec: &TopicSpec) -> NewTopic<'_> {
    let mut new = NewTopic::new(
        &spec.name,
        i32::try_from(spec.partitions).unwrap_or(i32::MAX),
        TopicReplication::Fixed(i32::try_from(spec.replication).unwrap_or(i32::MAX)),
    );
    for (name, value) in &spec.configuration {
        new = new.set(name, value);
    }
    new
}

fn remedy(code: RDKafkaErrorCode) -> &'static str {
    match code {
        RDKafkaErrorCode::InvalidReplicationFactor => {
            "there are fewer brokers than copies asked for: set kafka.topics.replication and kafka.topics.least_in_sync, or add brokers"
        }
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => {
            "the user needs the right Create on the topic or the cluster"
        }
        RDKafkaErrorCode::TopicAlreadyExists => "somebody made it at this moment: run it again",
        RDKafkaErrorCode::PolicyViolation => {
            "the broker has a policy for topics: ask those who run it, and change the settings"
        }
        _ => "look at the broker's log",
    }
}
