//! Certificates for targets that do not exist.

use std::io::Write;
use std::sync::Arc;

use checker::{Prober, TlsRoots};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

/// An authority that nobody knows but those who read its file.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    /// All of these go by the same name and have different keys.
    pub(crate) fn new() -> Self {
        Self::named("authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A prober that trusts this authority besides the usual ones.
    pub(crate) fn prober(&self) -> Prober {
        Prober::new(&TlsRoots { ca_files: vec![self.file.path().into()] }).unwrap()
    }

    /// A server with a certificate for `name`, valid today.
    pub(crate) fn server(&self, name: &str) -> ServerConfig {
        self.server_valid(name, 2020, 4000)
    }

    /// A server with a certificate for `name` that is valid from one year to another.
    pub(crate) fn server_valid(&self, name: &str, from: i32, to: i32) -> ServerConfig {
        self.server_for(vec![name.to_owned()], from, to)
    }

    /// A server whose certificate for `name` has more than 3 kB.
    pub(crate) fn bulky_server(&self, name: &str) -> ServerConfig {
        let others = (0..60).map(|number| format!("{}{number}.example", "n".repeat(55)));
        self.server_for(std::iter::once(name.to_owned()).chain(others).collect(), 2020, 4000)
    }

    fn server_for(&self, names: Vec<String>, from: i32, to: i32) -> ServerConfig {
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

pub(crate) fn acceptor(config: ServerConfig) -> TlsAcceptor {
    TlsAcceptor::from(Arc::new(config))
}
