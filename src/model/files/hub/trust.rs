//! Whose certificates a server of TLS may show.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use ureq::tls::{PemItem, parse_pem};

use super::connector::Roots;
use crate::bounded;

/// Bytes of a file of certificates, at most: all that browsers trust take 0.3 MB.
const LONGEST: u64 = 32 << 20;

/// The variables that name certificates: those of OpenSSL, of Python's requests and of curl.
pub(super) const VARIABLES: [&str; 4] =
    ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// The authorities that are trusted. By default those of this system and Mozilla's, which are built in; named files
/// and folders take their place, as everywhere, and all that are named count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// By the variable that names it.
    named: Vec<(&'static str, PathBuf)>,
}

impl Trust {
    /// Reads the variables `SSL_CERT_FILE`, `SSL_CERT_DIR` (several folders, as in PATH), `REQUESTS_CA_BUNDLE` and
    /// `CURL_CA_BUNDLE` through `lookup`; an empty one counts as none.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let mut named = Vec::new();
        for variable in VARIABLES {
            let Some(text) = lookup(variable).filter(|text| !text.is_empty()) else { continue };
            if variable == "SSL_CERT_DIR" {
                let folders = std::env::split_paths(&text).filter(|path| !path.as_os_str().is_empty());
                named.extend(folders.map(|folder| (variable, folder)));
            } else {
                named.push((variable, PathBuf::from(text)));
            }
        }
        Self { named }
    }

    /// The variables that say who is trusted.
    pub(super) fn variables(&self) -> Vec<&'static str> {
        let mut variables: Vec<_> = self.named.iter().map(|(variable, _)| *variable).collect();
        variables.dedup();
        variables
    }

    /// Reads the certificates.
    ///
    /// # Errors
    /// If a file that is named can't be read or holds no certificate, or none was found anywhere.
    pub(super) fn roots(&self) -> Result<Roots, String> {
        if self.named.is_empty() {
            let mut authorities = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let system = rustls_native_certs::load_native_certs().certs;
            let (added, _) = authorities.add_parsable_certificates(system);
            tracing::debug!(added, "authorities of the system");
            return Ok(Roots { authorities, exact: Vec::new() });
        }
        let mut found = Vec::new();
        for (variable, path) in &self.named {
            // As OpenSSL does: a folder may be missing, or hold nothing, as long as something else does not.
            if path.is_dir() || *variable == "SSL_CERT_DIR" {
                found.extend(in_folder(path));
            } else {
                found.extend(in_file(path).map_err(|problem| {
                    format!(
                        "{variable} names {}, {problem}: name a file of certificates (PEM)",
                        path.display()
                    )
                })?);
            }
        }
        if found.is_empty() {
            let places: Vec<String> = self
                .named
                .iter()
                .map(|(variable, path)| format!("{} ({variable})", path.display()))
                .collect();
            return Err(format!("there is no certificate (PEM) in {}", places.join(", ")));
        }
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(found.iter().cloned());
        Ok(Roots { authorities, exact: found })
    }
}

/// The certificates of every file in a folder that has some.
fn in_folder(folder: &Path) -> Vec<CertificateDer<'static>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.iter().filter(|path| path.is_file()).filter_map(|path| in_file(path).ok()).flatten().collect()
}

/// The certificates of a file; those that can't be understood are passed over, as long as one can.
fn in_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = bounded::read(file, LONGEST).map_err(|error| format!("which can't be read ({error})"))?;
    let certificates: Vec<CertificateDer<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(CertificateDer::from(certificate.der().to_vec())),
            _ => None,
        })
        .filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok())
        .collect();
    if certificates.is_empty() { Err("which holds no certificate".to_owned()) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem()
    }

    fn trust(variables: &[(&str, &str)]) -> Trust {
        Trust::from_env(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn count(trust: &Trust) -> Result<usize, String> {
        let roots = trust.roots()?;
        assert_eq!(roots.authorities.len(), roots.exact.len());
        Ok(roots.exact.len())
    }

    #[test]
    fn every_variable_names_certificates_and_all_count() {
        let folder = tempfile::tempdir().unwrap();
        let (file, inner) = (folder.path().join("ca.pem"), folder.path().join("inner"));
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(&file, format!("# ours\n{}{}", certificate(), certificate())).unwrap();
        std::fs::write(inner.join("5ed36f99.0"), certificate()).unwrap();
        std::fs::write(inner.join("README"), "no certificate").unwrap();
        let (file, inner) = (file.to_str().unwrap(), inner.to_str().unwrap());
        for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
            assert_eq!(count(&trust(&[(variable, file)])), Ok(2), "{variable}");
        }
        let folders = std::env::join_paths([Path::new("/nowhere/at/all"), Path::new(inner)]).unwrap();
        assert_eq!(count(&trust(&[("SSL_CERT_DIR", folders.to_str().unwrap())])), Ok(1));
        assert_eq!(count(&trust(&[("REQUESTS_CA_BUNDLE", inner)])), Ok(1));
        assert_eq!(count(&trust(&[("SSL_CERT_FILE", file), ("SSL_CERT_DIR", inner)])), Ok(3));
        assert_eq!(trust(&[("SSL_CERT_FILE", "")]), Trust::default());
    }

    #[test]
    fn the_built_in_authorities_are_trusted_unless_others_are_named() {
        let roots = Trust::default().roots().unwrap();
        assert!(roots.authorities.len() >= webpki_roots::TLS_SERVER_ROOTS.len());
    }

    #[test]
    fn a_file_that_is_missing_or_broken_is_named_with_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let name = file.to_str().unwrap().to_owned();
        let message = |variable| trust(&[(variable, &name)]).roots().err().unwrap();
        for (text, problem) in [
            (None, "can't be read"),
            (Some(String::new()), "no certificate"),
            (Some(certificate().replace("MII", "!!!")), "no certificate"),
            (
                Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
                "no certificate",
            ),
        ] {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let message = message("REQUESTS_CA_BUNDLE");
            assert!(
                message.contains("REQUESTS_CA_BUNDLE")
                    && message.contains(&name)
                    && message.contains(problem),
                "{message}"
            );
        }
        let message = trust(&[("SSL_CERT_DIR", "/nowhere/at/all")]).roots().err().unwrap();
        assert!(message.contains("/nowhere/at/all (SSL_CERT_DIR)"), "{message}");
    }
}
