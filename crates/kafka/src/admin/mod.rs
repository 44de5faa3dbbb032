//! Topics: what there is to be, what there is, and making what is missing.
//!
//! Decision: an existing topic is never changed. Altering partitions moves keys, altering retention deletes what people
//! count on; a tool that does so because a settings file says so has no way back. A difference is reported with both
//! values and the command that would mend it; a person runs it. It beat "apply makes it so".

mod difference;
mod direct;
mod frames;
mod policy;

pub use difference::{Difference, FoundTopic, differences};
pub use policy::{CheckedTopicPolicy, RetentionDays, TopicPolicy, TopicSpec, specs};

use crate::context::Listener;
use crate::settings::CheckedKafkaSettings;
use direct::{Direct, DirectError};
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::sync::Mutex;
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
    /// No client can be made of the settings.
    #[error("no client can be made of the settings: {0}")]
    Settings(String),
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
    client: Client,
    brokers: String,
}

/// Who asks the brokers.
enum Client {
    Library(Box<AdminClient<Listener>>),
    /// With a token: see [`direct`].
    Direct(Mutex<Direct>),
}

/// What came of making each topic.
type Made = Vec<(String, Result<(), RDKafkaErrorCode>)>;
/// A topic's configuration, defaults included.
type Configuration = BTreeMap<String, String>;

impl Admin {
    /// A client with connection settings. Only one that logs in with a token connects at once.
    ///
    /// # Errors
    /// Settings that the client library refuses; no broker takes the token.
    pub fn new(settings: &CheckedKafkaSettings) -> Result<Admin, AdminError> {
        let brokers = settings.brokers.join(", ");
        let unreachable = |reason: String| AdminError::Unreachable {
            brokers: brokers.clone(),
            reason,
        };
        let client = if settings.tokens().are_used() {
            let direct = Direct::open(settings).map_err(|error| match error {
                DirectError::Settings(reason) => AdminError::Settings(reason),
                other => unreachable(other.to_string()),
            })?;
            Client::Direct(Mutex::new(direct))
        } else {
            let client = crate::config::base(settings, "admin")
                .create_with_context(Listener::new(settings.tokens()))
                .map_err(|error| AdminError::Settings(crate::config::without_values(&error)))?;
            Client::Library(Box::new(client))
        };
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
        Ok(self.cluster()?.0)
    }

    /// How many brokers there are, and all topics without their configuration.
    fn cluster(&self) -> Result<(usize, BTreeMap<String, FoundTopic>), AdminError> {
        match &self.client {
            // Of all topics: asking for one by name can create it where the broker makes topics by itself.
            Client::Library(client) => client
                .inner()
                .fetch_metadata(None, ANSWER_WITHIN)
                .map(|metadata| (metadata.brokers().len(), topics_of(&metadata)))
                .map_err(|error| self.unreachable(&error)),
            Client::Direct(direct) => crate::context::lock(direct)
                .metadata()
                .map(|told| (told.brokers.len(), told.topics))
                .map_err(|error| self.unreachable(&error)),
        }
    }

    fn unreachable(&self, error: &impl std::fmt::Display) -> AdminError {
        AdminError::Unreachable {
            brokers: self.brokers.clone(),
            reason: error.to_string(),
        }
    }

    fn found(&self, specs: &[TopicSpec]) -> Result<BTreeMap<String, FoundTopic>, AdminError> {
        let (_, mut found) = self.cluster()?;
        found.retain(|name, _| specs.iter().any(|spec| spec.name == *name));
        let names: Vec<String> = found.keys().cloned().collect();
        for (name, configuration) in self.described(&names)? {
            if let Some(topic) = found.get_mut(&name) {
                topic.configuration = configuration;
            }
        }
        Ok(found)
    }

    /// Configurations of topics, defaults included.
    fn described(&self, names: &[String]) -> Result<Vec<(String, Configuration)>, AdminError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let refused = |code: RDKafkaErrorCode| AdminError::Refused(code.to_string());
        match &self.client {
            Client::Library(client) => {
                let resources: Vec<ResourceSpecifier<'_>> = names
                    .iter()
                    .map(|name| ResourceSpecifier::Topic(name))
                    .collect();
                pollster::block_on(client.describe_configs(&resources, &options()))
                    .map_err(|error| self.unreachable(&error))?
                    .into_iter()
                    .filter_map(|answer| answer.map_err(refused).map(described_topic).transpose())
                    .collect()
            }
            Client::Direct(direct) => crate::context::lock(direct)
                .describe(names)
                .map_err(|error| self.unreachable(&error))?
                .into_iter()
                .map(|(name, told)| Ok((name, told.map_err(refused)?)))
                .collect(),
        }
    }

    fn made(&self, specs: &[&TopicSpec]) -> Result<Made, AdminError> {
        match &self.client {
            Client::Library(client) => {
                let new: Vec<NewTopic<'_>> = specs.iter().map(|spec| new_topic(spec)).collect();
                let answers = pollster::block_on(client.create_topics(&new, &options()))
                    .map_err(|error| self.unreachable(&error))?;
                Ok(answers
                    .into_iter()
                    .map(|answer| match answer {
                        Ok(name) => (name, Ok(())),
                        Err((name, code)) => (name, Err(code)),
                    })
                    .collect())
            }
            Client::Direct(direct) => crate::context::lock(direct)
                .create(specs)
                .map_err(|error| self.unreachable(&error)),
        }
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
        let refused = self
            .made(specs)?
            .into_iter()
            .find_map(|(topic, made)| Some((topic, made.err()?)));
        match refused {
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
            let (_, topics) = self.cluster()?;
            let shown = |spec: &TopicSpec| {
                topics
                    .get(&spec.name)
                    .is_some_and(|topic| topic.copies.len() == spec.partitions as usize)
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

fn topics_of(metadata: &rdkafka::metadata::Metadata) -> BTreeMap<String, FoundTopic> {
    metadata
        .topics()
        .iter()
        .map(|topic| {
            let mut partitions: Vec<(i32, u32)> = topic
                .partitions()
                .iter()
                .map(|partition| (partition.id(), partition.replicas().len() as u32))
                .collect();
            partitions.sort_unstable();
            let found = FoundTopic {
                copies: partitions.into_iter().map(|(_, copies)| copies).collect(),
                configuration: BTreeMap::new(),
            };
            (topic.name().to_owned(), found)
        })
        .collect()
}

/// A topic's name and configuration; `None`: it is the configuration of something else.
fn described_topic(resource: rdkafka::admin::ConfigResource) -> Option<(String, Configuration)> {
    let OwnedResourceSpecifier::Topic(name) = resource.specifier else {
        return None;
    };
    let configuration = resource
        .entries
        .into_iter()
        .filter_map(|entry| Some((entry.name, entry.value?)))
        .collect();
    Some((name, configuration))
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
