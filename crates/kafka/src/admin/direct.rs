//! Topics looked at and made over a connection of our own, for clients that log in with a token.
//!
//! librdkafka asks for a token by an event, and the library's administration client has no way to serve it (rust-rdkafka
//! issue 757): it would wait for ever. Three requests are all that is needed, so they are spoken here. Everything else,
//! and every other way to log in, stays with librdkafka.

use super::frames::{Answer, Kind, Malformed, Request};
use super::{ANSWER_WITHIN, Configuration, FoundTopic, Made, TopicSpec};
use crate::settings::CheckedKafkaSettings;
use auscult_engine::settings::Secret;
use native_tls::{Certificate, Identity, TlsConnector};
use openssl::pkey::PKey;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::RDKafkaRespErr;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};

/// Longest answer that is taken: of all topics of a large cluster.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Kafka's number for a topic where configurations are concerned.
const TOPIC: i8 = 2;

/// What a client says and hears.
trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// Why a broker could not be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Malformed(#[from] Malformed),
    #[error("{0}")]
    Tls(String),
    /// What the settings name cannot be used; no broker was asked.
    #[error("{0}")]
    Settings(String),
    #[error("{0}")]
    Token(String),
    #[error("the broker refused the token: {0}; check kafka.security")]
    Refused(String),
}

/// A connection to one broker, logged in.
pub(super) struct Direct {
    stream: Box<dyn Stream>,
    client: String,
    number: i32,
}

/// What a cluster says of itself.
pub(super) struct Told {
    /// Brokers, by number.
    pub brokers: BTreeMap<i32, String>,
    /// The broker that makes topics.
    controller: i32,
    /// Copies of each partition, by topic.
    pub topics: BTreeMap<String, FoundTopic>,
}

impl Direct {
    /// Connects to the broker that makes topics, and logs in.
    pub fn open(settings: &CheckedKafkaSettings) -> Result<Direct, DirectError> {
        let mut last = None;
        for broker in &settings.brokers {
            let asked = Direct::to(settings, broker).and_then(|mut direct| {
                let told = direct.metadata()?;
                match told.brokers.get(&told.controller) {
                    Some(controller) if controller != broker => Direct::to(settings, controller),
                    _ => Ok(direct),
                }
            });
            match asked {
                Ok(direct) => return Ok(direct),
                Err(error) => last = Some(error),
            }
        }
        // Checked settings name a broker.
        Err(last.unwrap_or(DirectError::Malformed(Malformed)))
    }

    fn to(settings: &CheckedKafkaSettings, broker: &str) -> Result<Direct, DirectError> {
        let stream = connect(broker)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        let stream: Box<dyn Stream> = if settings.security.protocol == "sasl_ssl" {
            let host = broker.rsplit_once(':').map_or(broker, |(host, _)| host);
            let connector = connector(settings).map_err(DirectError::Settings)?;
            let encrypted = connector
                .connect(host.trim_matches(['[', ']']), stream)
                .map_err(|error| {
                    DirectError::Tls(format!("{error}; check ca_file of kafka.security"))
                })?;
            Box::new(encrypted)
        } else {
            Box::new(stream)
        };
        let mut direct = Direct {
            stream,
            client: format!("{}-admin", settings.group_prefix),
            number: 0,
        };
        direct.log_in(settings)?;
        Ok(direct)
    }

    fn log_in(&mut self, settings: &CheckedKafkaSettings) -> Result<(), DirectError> {
        let token = settings.tokens().get().map_err(DirectError::Token)?;
        let answer = self.ask(Kind::SaslHandshake, |request| request.text("OAUTHBEARER"))?;
        let mut answer = Answer(&answer);
        refused(answer.int16()?, None)?;
        // RFC 7628: no name beside the token's own, and the token.
        let word = format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", token.token);
        let answer = self.ask(Kind::SaslAuthenticate, |request| {
            request.bytes(word.as_bytes())
        })?;
        let mut answer = Answer(&answer);
        let (code, message) = (answer.int16()?, answer.text()?);
        refused(code, message)?;
        // A refusal may also come as bytes that ask for one more word, which says no more.
        let more = answer.int32()?;
        if more > 0 {
            return Err(DirectError::Refused("it asks for more".to_owned()));
        }
        Ok(())
    }

    fn ask(
        &mut self,
        kind: Kind,
        write: impl FnOnce(Request) -> Request,
    ) -> Result<Vec<u8>, DirectError> {
        self.number += 1;
        let request = write(Request::new(kind, self.number, &self.client)).finish();
        self.stream.write_all(&request)?;
        self.stream.flush()?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if !(4..=ANSWER_BYTES_MAX).contains(&length) {
            return Err(Malformed.into());
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        if answer[..4] != self.number.to_be_bytes() {
            return Err(Malformed.into());
        }
        answer.drain(..4);
        Ok(answer)
    }

    /// All brokers and all topics.
    pub fn metadata(&mut self) -> Result<Told, DirectError> {
        let answer = self.ask(Kind::Metadata, Request::none)?;
        Ok(metadata(&mut Answer(&answer))?)
    }

    /// The configuration of each of `topics`, or why it is not told.
    pub fn describe(&mut self, topics: &[String]) -> Result<Configurations, DirectError> {
        let answer = self.ask(Kind::DescribeConfigs, |request| {
            request
                .list(topics, |request, topic| {
                    request.int8(TOPIC).text(topic).none()
                })
                .flag(false)
        })?;
        Ok(configurations(&mut Answer(&answer))?)
    }

    /// Makes topics; what came of each.
    pub fn create(&mut self, specs: &[&TopicSpec]) -> Result<Made, DirectError> {
        let within = i32::try_from(ANSWER_WITHIN.as_millis()).unwrap_or(i32::MAX);
        let answer = self.ask(Kind::CreateTopics, |request| {
            request.list(specs, create).int32(within).flag(false)
        })?;
        let mut answer = Answer(&answer);
        let _throttled = answer.int32()?;
        let made = answer.list(|answer| {
            let name = answer.text()?.unwrap_or_default();
            let code = answer.int16()?;
            let _message = answer.text()?;
            Ok((name, outcome(code)))
        });
        Ok(made?)
    }
}

fn connect(broker: &str) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::other(format!("{broker} has no address"));
    for address in broker.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, ANSWER_WITHIN) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// TLS as the settings say: librdkafka's rules, by the same OpenSSL.
fn connector(settings: &CheckedKafkaSettings) -> Result<TlsConnector, String> {
    let security = &settings.security;
    let read = |file: &std::path::Path| {
        std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    let mut builder = TlsConnector::builder();
    if let Some(file) = &security.ca_file {
        // Only those vouch that are named.
        builder.disable_built_in_roots(true);
        let authorities =
            Certificate::stack_from_pem(&read(file)?).map_err(|error| error.to_string())?;
        for authority in authorities {
            builder.add_root_certificate(authority);
        }
    }
    if let (Some(certificate), Some(key)) = (&security.certificate_file, &security.key_file) {
        let password = security
            .key_password
            .as_ref()
            .map_or(&[][..], Secret::bytes);
        let key = open_key(&read(key)?, password)?;
        let identity = Identity::from_pkcs8(&read(certificate)?, &key)
            .map_err(|error| format!("certificate_file and key_file of kafka.security: {error}"))?;
        builder.identity(identity);
    }
    builder.build().map_err(|error| error.to_string())
}

/// The private key in `pem` as the TLS library takes it: PKCS 8, not encrypted. An empty password is none, and nobody is
/// asked for one.
fn open_key(pem: &[u8], password: &[u8]) -> Result<Vec<u8>, String> {
    let key = PKey::private_key_from_pem_passphrase(pem, password).map_err(|error| {
        let missing = if password.is_empty() {
            "is no private key, or it is encrypted: name its key_password_file"
        } else {
            "cannot be opened with the password in key_password_file"
        };
        format!("key_file of kafka.security {missing} ({error})")
    })?;
    key.private_key_to_pem_pkcs8()
        .map_err(|error| format!("key_file of kafka.security: {error}"))
}

fn refused(code: i16, message: Option<String>) -> Result<(), DirectError> {
    match outcome(code) {
        Ok(()) => Ok(()),
        Err(code) => Err(DirectError::Refused(
            message.unwrap_or_else(|| code.to_string()),
        )),
    }
}

fn outcome(code: i16) -> Result<(), RDKafkaErrorCode> {
    if code == 0 {
        return Ok(());
    }
    Err(RDKafkaRespErr::try_from(i32::from(code))
        .map_or(RDKafkaErrorCode::Unknown, RDKafkaErrorCode::from))
}

fn metadata(answer: &mut Answer<'_>) -> Result<Told, Malformed> {
    let brokers = answer.list(|answer| {
        let number = answer.int32()?;
        let host = answer.text()?.unwrap_or_default();
        let port = answer.int32()?;
        let _rack = answer.text()?;
        Ok((number, format!("{host}:{port}")))
    })?;
    let controller = answer.int32()?;
    let topics = answer.list(|answer| {
        let _error = answer.int16()?;
        let name = answer.text()?.unwrap_or_default();
        let _is_internal = answer.int8()?;
        let mut partitions = answer.list(|answer| {
            let _error = answer.int16()?;
            let number = answer.int32()?;
            let _leader = answer.int32()?;
            let copies = answer.list(Answer::int32)?;
            let _in_sync = answer.list(Answer::int32)?;
            Ok((number, copies.len() as u32))
        })?;
        partitions.sort_unstable();
        let found = FoundTopic {
            copies: partitions.into_iter().map(|(_, copies)| copies).collect(),
            configuration: BTreeMap::new(),
        };
        Ok((name, found))
    })?;
    Ok(Told {
        brokers: brokers.into_iter().collect(),
        controller,
        topics: topics.into_iter().collect(),
    })
}

type Configurations = Vec<(String, Result<Configuration, RDKafkaErrorCode>)>;

fn configurations(answer: &mut Answer<'_>) -> Result<Configurations, Malformed> {
    let _throttled = answer.int32()?;
    answer.list(|answer| {
        let code = answer.int16()?;
        let _message = answer.text()?;
        let _kind = answer.int8()?;
        let name = answer.text()?.unwrap_or_default();
        let entries = answer.list(|answer| {
            let name = answer.text()?.unwrap_or_default();
            let value = answer.text()?;
            let _is_read_only = answer.int8()?;
            let _source = answer.int8()?;
            let _is_sensitive = answer.int8()?;
            let _synonyms = answer.list(|answer| {
                answer.text()?;
                answer.text()?;
                answer.int8()
            })?;
            Ok((name, value))
        })?;
        let told = entries
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        Ok((name, outcome(code).map(|()| told)))
    })
}

fn create(request: Request, spec: &&TopicSpec) -> Request {
    let settings: Vec<(&String, &String)> = spec.configuration.iter().collect();
    request
        .text(&spec.name)
        .int32(i32::try_from(spec.partitions).unwrap_or(i32::MAX))
        .int16(i16::try_from(spec.replication).unwrap_or(i16::MAX))
        .count(0)
        .list(&settings, |request, (name, value)| {
            request.text(name).text(value)
        })
}
