//! A store: how it is reached, and the few things that are asked of it.
//!
//! Credentials come from the environment alone, under the names that the stores' own tools use. Plain HTTP is spoken to the
//! loopback only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path as Name;
use object_store::prefix::PrefixStore;
use object_store::{
    BackoffConfig, ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    PutResult, RetryConfig,
};
use reqwest::Url;
use reqwest::header::HeaderValue;

use super::address::{Address, Service};
use crate::{Error, Result};

/// Attempts at one request beyond the first, and seconds over all of them.
const RETRIES_MAX: usize = 7;
const RETRY_SECONDS_MAX: u64 = 180;
const CONNECT_SECONDS_MAX: u64 = 10;
/// Seconds for one attempt, which carries at most [`PART_BYTES`] or [`WHOLE_BYTES_MAX`].
const ATTEMPT_SECONDS_MAX: u64 = 120;
/// A larger file goes up in parts, so that memory does not depend on its size.
const WHOLE_BYTES_MAX: u64 = 16 << 20;
const PART_BYTES: u64 = 8 << 20;
/// Characters of what a store answers that are told.
const CAUSE_LETTERS_MAX: usize = 400;

/// A place in a store.
pub(super) struct Remote {
    store: PrefixStore<Arc<dyn ObjectStore>>,
    address: String,
    service: Service,
    /// A larger file goes up in parts.
    whole_bytes_max: u64,
    part_bytes: u64,
}

/// An object as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) bytes: u64,
    pub(super) e_tag: Option<String>,
}

/// Whether something was put that must not replace anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Created {
    /// It is there now.
    Yes,
    /// Something else was there before.
    No,
}

impl Remote {
    /// Reads the environment; makes no request.
    ///
    /// # Errors
    /// When the environment does not tell how to reach the store, or tells an address in clear.
    pub(super) fn connect(address: &Address) -> Result<Remote> {
        let told = |error: object_store::Error| {
            Error::usage("expected the environment to tell how to reach the store")
                .at(address)
                .because(cause_of(&error))
                .hint(credentials_hint(address.service))
        };
        let store: Arc<dyn ObjectStore> = match address.service {
            Service::S3 => {
                let builder = AmazonS3Builder::from_env().with_bucket_name(&address.bucket).with_retry(retries());
                let endpoints = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
                let endpoint = endpoints.iter().find_map(|key| builder.get_config_value(key));
                Arc::new(builder.with_client_options(client(endpoint, "AWS_ENDPOINT_URL")?).build().map_err(told)?)
            }
            Service::GoogleCloud => {
                let builder =
                    GoogleCloudStorageBuilder::from_env().with_bucket_name(&address.bucket).with_retry(retries());
                let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl);
                Arc::new(builder.with_client_options(client(endpoint, "GOOGLE_BASE_URL")?).build().map_err(told)?)
            }
            Service::Azure => {
                let builder =
                    MicrosoftAzureBuilder::from_env().with_container_name(&address.bucket).with_retry(retries());
                let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
                Arc::new(builder.with_client_options(client(endpoint, "AZURE_ENDPOINT")?).build().map_err(told)?)
            }
        };
        Ok(Remote::over(store, address))
    }

    fn over(store: Arc<dyn ObjectStore>, address: &Address) -> Remote {
        Remote {
            store: PrefixStore::new(store, address.prefix.as_str()),
            address: address.to_string(),
            service: address.service,
            whole_bytes_max: WHOLE_BYTES_MAX,
            part_bytes: PART_BYTES,
        }
    }

    /// The place, for messages.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The objects of a folder, by name.
    pub(super) async fn list(&self, folder: &str) -> Result<BTreeMap<String, Listed>> {
        let told = |error| self.refused("list", folder, &error);
        let found: Vec<_> = self.store.list(Some(&Name::from(folder))).try_collect().await.map_err(told)?;
        let entry = |object: object_store::ObjectMeta| {
            (object.location.to_string(), Listed { bytes: object.size, e_tag: object.e_tag.as_deref().map(bare) })
        };
        Ok(found.into_iter().map(entry).collect())
    }

    /// An object; `None` when there is none.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let told = |error| self.refused("read", name, &error);
        let found = match self.store.get(&Name::from(name)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(told(error)),
        };
        Ok(Some(found.bytes().await.map_err(told)?.to_vec()))
    }

    /// Puts an object, whatever was there.
    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<()> {
        let put = self.store.put(&Name::from(name), PutPayload::from(bytes)).await;
        put.map(drop).map_err(|error| self.refused("write", name, &error))
    }

    /// Puts an object where there is none: the store decides, in one step.
    pub(super) async fn create(&self, name: &str, bytes: Vec<u8>) -> Result<Created> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&Name::from(name), PutPayload::from(bytes), options).await {
            Ok(_) => Ok(Created::Yes),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(Created::No)
            }
            Err(error) => Err(self.refused("write", name, &error)),
        }
    }

    /// Puts a file of so many bytes, and tells what the store calls these very bytes.
    pub(super) async fn put_file(&self, name: &str, path: &Path, bytes: u64) -> Result<Option<String>> {
        let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
        let put = if bytes <= self.whole_bytes_max {
            let payload = next_bytes(&mut file, bytes).map_err(|error| unreadable(path, error))?;
            let put = self.store.put(&Name::from(name), payload.into()).await;
            put.map_err(|error| self.refused("write", name, &error))?
        } else {
            self.put_in_parts(name, path, &mut file).await?
        };
        Ok(put.e_tag.as_deref().map(bare))
    }

    /// The object appears when the last part is there, and whole.
    async fn put_in_parts(&self, name: &str, path: &Path, file: &mut File) -> Result<PutResult> {
        let told = |error| self.refused("write", name, &error);
        let mut upload = self.store.put_multipart(&Name::from(name)).await.map_err(told)?;
        let sent = async {
            loop {
                let part = next_bytes(file, self.part_bytes).map_err(|error| unreadable(path, error))?;
                if part.is_empty() {
                    return upload.complete().await.map_err(told);
                }
                upload.put_part(part.into()).await.map_err(told)?;
            }
        }
        .await;
        if sent.is_err() {
            // Parts that nobody asks for cost their owner; that they cannot be taken back is no news beside the error.
            let _ = upload.abort().await;
        }
        sent
    }

    /// Takes an object away. One that is not there is none's error.
    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&Name::from(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.refused("delete", name, &error)),
        }
    }

    fn refused(&self, action: &str, name: &str, error: &object_store::Error) -> Error {
        use object_store::Error as Found;
        let cause = cause_of(error);
        let hint = match error {
            // A listing of a bucket that is not there is told by its status alone.
            _ if matches!(error, Found::NotFound { .. }) || cause.contains("404 Not Found") => {
                format!("make the bucket of {} first: tieout makes none", self.address)
            }
            Found::Unauthenticated { .. } | Found::PermissionDenied { .. } => credentials_hint(self.service).to_owned(),
            _ => "publish again: what is done is not done twice".to_owned(),
        };
        Error::environment(format!("could not {action} in the object store"))
            .at(format!("{}, {name}", self.address))
            .because(cause)
            .hint(hint)
    }
}

fn credentials_hint(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, or the machine's role"
        }
        Service::GoogleCloud => {
            "credentials come from the environment: GOOGLE_APPLICATION_CREDENTIALS, or the machine's service account"
        }
        Service::Azure => {
            "credentials come from the environment: AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or the machine's identity"
        }
    }
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: RETRIES_MAX,
        retry_timeout: Duration::from_secs(RETRY_SECONDS_MAX),
    }
}

/// A client that speaks plain HTTP to an endpoint on the loopback only.
fn client(endpoint: Option<String>, variable: &str) -> Result<ClientOptions> {
    let endpoint = endpoint.map(|endpoint| Url::parse(&endpoint)).transpose();
    let is_plain = !matches!(&endpoint, Ok(None)) && !matches!(&endpoint, Ok(Some(url)) if url.scheme() == "https");
    if is_plain && !matches!(&endpoint, Ok(Some(url)) if url.scheme() == "http" && is_loopback(url)) {
        return Err(Error::usage(format!("expected {variable} to begin with https://"))
            .hint("plain http is spoken to the loopback (127.0.0.1, [::1], localhost) only"));
    }
    let agent = HeaderValue::from_static(concat!("tieout/", env!("CARGO_PKG_VERSION")));
    Ok(ClientOptions::new()
        .with_allow_http(is_plain)
        .with_connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
        .with_timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
        .with_user_agent(agent))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// At most so many bytes.
fn next_bytes(file: &mut File, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::environment("could not read a partition").at(path.display()).because(error)
}

/// Stores write the same tag with quotes in one place and without in another.
fn bare(e_tag: &str) -> String {
    e_tag.trim_start_matches("W/").trim_matches('"').to_owned()
}

/// What a store says, short and without what may stand in a query: signatures do.
fn cause_of(error: &object_store::Error) -> String {
    let without_query = |word: &str| match word.split_once('?') {
        Some((before, _)) if before.contains("://") => format!("{before}?…"),
        _ => word.to_owned(),
    };
    let text = error.to_string();
    let words: Vec<String> = text.split_whitespace().map(without_query).collect();
    let words = words.join(" ");
    match words.char_indices().nth(CAUSE_LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_large_file_goes_up_in_parts_and_is_the_same() {
        let address = Address::parse("s3://books/bank").expect("an address");
        let store = Remote { whole_bytes_max: 10, part_bytes: 4, ..Remote::over(Arc::new(InMemory::new()), &address) };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        for bytes in [0, 1, 9, 10, 11, 12, 23] {
            let content: Vec<u8> = (0..bytes).collect();
            std::fs::write(&path, &content).expect("writes");
            runtime.block_on(async {
                let name = format!("lake/{bytes}");
                let e_tag = store.put_file(&name, &path, u64::from(bytes)).await.expect("is put");
                assert_eq!(store.get(&name).await.expect("is read"), Some(content), "{bytes}");
                let listed = Listed { bytes: u64::from(bytes), e_tag };
                assert_eq!(store.list("lake").await.expect("is listed").get(&name), Some(&listed));
            });
        }
        runtime.block_on(async {
            assert_eq!(store.create("lake/0", Vec::new()).await.expect("is asked"), Created::No);
            store.delete("lake/0").await.expect("is gone");
            store.delete("lake/0").await.expect("is gone already");
            assert_eq!(store.create("lake/0", Vec::new()).await.expect("is asked"), Created::Yes);
        });
    }

    #[test]
    fn plain_http_is_for_the_loopback() {
        let is_taken = |endpoint: &str| client(Some(endpoint.to_owned()), "AWS_ENDPOINT_URL").is_ok();
        for endpoint in ["https://s3.example.com", "http://127.0.0.1:9000", "http://[::1]:9000", "http://localhost"] {
            assert!(is_taken(endpoint), "{endpoint}");
        }
        for endpoint in ["http://s3.example.com", "http://127.0.0.1.example.com", "s3.example.com", "ftp://localhost"] {
            assert!(!is_taken(endpoint), "{endpoint}");
        }
        assert!(client(None, "AWS_ENDPOINT_URL").is_ok());
    }

    #[test]
    fn signatures_in_addresses_are_not_told_nor_endless_answers() {
        let of = |text: String| cause_of(&object_store::Error::Generic { store: "S3", source: text.into() });
        let told = of("GET https://a.example/b?sig=canary&x=1 failed".to_owned());
        assert!(told.contains("https://a.example/b?…") && !told.contains("canary"), "{told}");
        assert!(of("x".repeat(10_000)).chars().count() <= CAUSE_LETTERS_MAX + 1);
    }

    #[test]
    fn tags_are_compared_without_their_quotes() {
        for written in ["\"a\"", "a", "W/\"a\""] {
            assert_eq!(bare(written), "a");
        }
    }
}
