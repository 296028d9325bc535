//! TLS with targets: which authorities are trusted, and what a failed handshake says.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failover::Cause;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use thiserror::Error;
use tokio_rustls::TlsConnector;

use crate::fault::Fault;

/// All public authorities together take about 230 kB of PEM; more is some other file.
const MAX_CA_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Which authorities may vouch for a target: the system's, the ones built in where the system has none, and these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsRoots {
    /// PEM files with certificates of further authorities.
    pub ca_files: Vec<PathBuf>,
}

/// Why TLS could not be prepared.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read the CA file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is too big to be what it should be.
    #[error("the CA file {} has {size} bytes; at most 4 MiB of PEM certificates are read", path.display())]
    TooBig {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
    },
    /// The file is damaged.
    #[error("the CA file {} is not valid PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        source: pem::Error,
    },
    /// The file holds something else.
    #[error("the CA file {} holds no certificate; put a PEM block `BEGIN CERTIFICATE` into it", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file cannot be an authority.
    #[error("certificate {number} in the CA file {} cannot be used", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The cryptography library refuses its own defaults.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

/// Prepares TLS once for all probes.
pub(crate) fn connector(roots: &TlsRoots) -> Result<TlsConnector, TlsError> {
    let mut store = base_roots();
    for path in &roots.ca_files {
        add_file(&mut store, path)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(store)
        .with_no_client_auth();
    // Each probe is to move the whole certificate chain: enough bytes to meet a path-MTU hole.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a failed handshake with `name` says, `received` bytes into it.
pub(crate) fn fault(error: &io::Error, name: &str, received: usize) -> Fault {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        None => Fault::broken(error, received),
        Some(rustls::Error::InvalidCertificate(reason)) => {
            Fault::Failed(Cause::Certificate, certificate(reason, name))
        }
        Some(rustls::Error::InvalidMessage(_)) => Fault::protocol("what came is not TLS"),
        Some(rustls::Error::AlertReceived(alert)) => {
            Fault::protocol(format!("the target refused the handshake ({alert:?})"))
        }
        Some(other) => Fault::protocol(other.to_string()),
    }
}

/// The reason in our own words: the library's repeat what stands in the certificate, and a stranger wrote that.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is open and the rest needs no words of its own")]
fn certificate(reason: &CertificateError, name: &str) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate is not valid yet".into()
        }
        CertificateError::UnknownIssuer => "certificate is signed by an unknown authority".into(),
        CertificateError::BadSignature => "certificate is not signed by whom it names".into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("certificate is not for {name}")
        }
        CertificateError::Revoked => "certificate has been revoked".into(),
        CertificateError::BadEncoding => "certificate cannot be read".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate is not meant for a server".into()
        }
        _ => "certificate does not verify".into(),
    }
}

/// The system's authorities; the built-in ones where it has none, as in an empty container.
fn base_roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let read = |source| TlsError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(read)?.len();
    if size > MAX_CA_FILE_BYTES {
        return Err(TlsError::TooBig { path: path.to_owned(), size });
    }
    let text = std::fs::read(path).map_err(read)?;
    let mut number = 0;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        number += 1;
        let certificate = certificate.map_err(|source| TlsError::Pem { path: path.to_owned(), source })?;
        let unusable = |source| TlsError::Certificate { path: path.to_owned(), number, source };
        store.add(certificate).map_err(unusable)?;
    }
    if number == 0 { Err(TlsError::NoCertificate { path: path.to_owned() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn without_extra_files_there_is_always_something_to_trust() {
        assert!(!base_roots().is_empty());
        assert!(connector(&TlsRoots::default()).is_ok());
    }

    #[test]
    fn the_file_that_cannot_be_used_is_named() {
        let missing = TlsRoots { ca_files: vec!["/nonexistent/ca.pem".into()] };
        let error = connector(&missing).err().unwrap();
        assert!(matches!(&error, TlsError::Read { .. }), "{error}");
        assert!(error.to_string().contains("/nonexistent/ca.pem"));
        let directory = tempfile::tempdir().unwrap();
        let roots = TlsRoots { ca_files: vec![directory.path().into()] };
        assert!(matches!(connector(&roots).err().unwrap(), TlsError::Read { .. }));
    }

    #[test]
    fn files_that_hold_no_usable_certificate_are_refused() {
        let refusal = |content: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            let error = connector(&TlsRoots { ca_files: vec![file.path().into()] }).err().unwrap();
            assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
            error
        };
        assert!(matches!(refusal(b""), TlsError::NoCertificate { .. }));
        assert!(matches!(refusal(b"hello"), TlsError::NoCertificate { .. }));
        let block =
            |content: &str| format!("-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n");
        assert!(matches!(refusal(block("!!").as_bytes()), TlsError::Pem { .. }));
        assert!(matches!(refusal(block("AAAA").as_bytes()), TlsError::Certificate { number: 1, .. }));
        assert!(matches!(refusal(&vec![b'\n'; 4 * 1024 * 1024 + 1]), TlsError::TooBig { .. }));
    }
}
