//! A certificate authority for one scene: its certificate as a file for those who verify, a leaf for those who serve.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// What the leaf certificates are for.
const NAMES: [&str; 6] = ["localhost", "127.0.0.1", "::1", "192.0.2.1", "198.51.100.1", "203.0.113.1"];

/// A certificate authority that nobody but its scene knows.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
    _dir: TempDir,
}

impl Ca {
    /// Makes one, and writes its certificate to a file.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("ring makes a P-256 key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).expect("the parameters are complete");
        let dir = tempfile::tempdir().expect("the directory for temporary files is writable");
        let file = dir.path().join("ca.pem");
        std::fs::write(&file, certificate.pem()).expect("a new directory is writable");
        Self { issuer: Issuer::new(params, key), file, _dir: dir }
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The server's side of TLS, with a leaf for all addresses that targets have.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = KeyPair::generate().expect("ring makes a P-256 key");
        let params = CertificateParams::new(NAMES.map(String::from)).expect("the names are valid");
        let leaf = params.signed_by(&key, &self.issuer).expect("the parameters are complete");
        let chain: Vec<CertificateDer<'static>> = vec![leaf.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen writes PKCS#8");
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .expect("ring does TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key is the leaf's");
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Default for Ca {
    fn default() -> Self {
        Self::new()
    }
}
