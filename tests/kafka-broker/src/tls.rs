//! Certificates made for one cluster.
//!
//! An authority signs one certificate for the brokers (`127.0.0.1`, `localhost`) and one for clients; another authority
//! that nobody knows signs nothing and is there to be mistrusted. All are PEM, which brokers and clients read alike, and
//! live and die with the cluster's folder. They are made in this process: the JDK's `keytool` cannot hand out a private
//! key as PEM, and `openssl` is not on every machine.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// Files of a cluster's TLS; clients of the listeners `TLS`, `MTLS` and `SASLTLS` need the first, of `MTLS` the client's two.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The authority's certificate.
    pub authority_pem: PathBuf,
    /// A client's certificate, in the name `CN=client`.
    pub client_pem: PathBuf,
    /// Its private key.
    pub client_key_pem: PathBuf,
    /// An authority that vouches for nobody here.
    pub stranger_pem: PathBuf,
    /// The brokers' key and certificate.
    pub brokers_pem: PathBuf,
}

impl TlsFiles {
    /// Makes them in a folder.
    pub(crate) fn make(folder: &Path) -> std::io::Result<TlsFiles> {
        let files = TlsFiles {
            authority_pem: folder.join("authority.pem"),
            client_pem: folder.join("client.pem"),
            client_key_pem: folder.join("client-key.pem"),
            stranger_pem: folder.join("stranger.pem"),
            brokers_pem: folder.join("brokers.pem"),
        };
        let ours = authority("Auscult test authority")?;
        std::fs::write(&files.authority_pem, ours.pem())?;
        let stranger = authority("An authority nobody knows")?;
        std::fs::write(&files.stranger_pem, stranger.pem())?;
        let (certificate, key) = signed(
            &ours,
            "127.0.0.1",
            &["127.0.0.1", "localhost"],
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        std::fs::write(&files.brokers_pem, key + &certificate)?;
        let (certificate, key) = signed(&ours, "client", &[], ExtendedKeyUsagePurpose::ClientAuth)?;
        std::fs::write(&files.client_pem, certificate)?;
        std::fs::write(&files.client_key_pem, key)?;
        Ok(files)
    }
}

fn named(common_name: &str, hosts: &[&str]) -> std::io::Result<CertificateParams> {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut parameters = CertificateParams::new(hosts).map_err(std::io::Error::other)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    parameters.distinguished_name = name;
    Ok(parameters)
}

fn authority(name: &str) -> std::io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut parameters = named(name, &[])?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(std::io::Error::other)?;
    CertifiedIssuer::self_signed(parameters, key).map_err(std::io::Error::other)
}

/// A certificate and its key, both PEM.
fn signed(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    hosts: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> std::io::Result<(String, String)> {
    let mut parameters = named(name, hosts)?;
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().map_err(std::io::Error::other)?;
    let certificate = parameters
        .signed_by(&key, authority)
        .map_err(std::io::Error::other)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
