//! Where in which store a lake is published.

use std::fmt;

use reqwest::Url;

/// Whose protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 and all that speak its protocol.
    S3,
    /// Google Cloud Storage.
    GoogleCloud,
    /// Azure Blob Storage.
    Azure,
}

/// The schemes of addresses.
const SCHEMES: [(&str, Service); 3] = [("s3", Service::S3), ("gs", Service::GoogleCloud), ("az", Service::Azure)];

/// A place in a store. It holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whose store.
    pub service: Service,
    /// The bucket or container.
    pub bucket: String,
    /// What names of objects begin with: segments with `/` between them, or nothing.
    pub prefix: String,
}

impl Address {
    /// Whether `text` means an address rather than a folder.
    pub fn is_meant_by(text: &str) -> bool {
        text.contains("://")
    }

    /// Reads `s3://bucket/prefix`, `gs://…` or `az://container/prefix`.
    ///
    /// # Errors
    /// What was expected, in words. It does not repeat the text, which could hold a password.
    pub fn parse(text: &str) -> Result<Address, String> {
        const EXPECTED: &str = "expected s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";
        let url = Url::parse(text).map_err(|error| format!("{EXPECTED}: {error}"))?;
        let Some((_, service)) = SCHEMES.iter().find(|(scheme, _)| *scheme == url.scheme()) else {
            return Err(format!("{EXPECTED}, found {}://", url.scheme()));
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{EXPECTED} alone: credentials come from the environment"));
        }
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty() && url.port().is_none());
        let bucket = bucket.ok_or_else(|| format!("{EXPECTED}, found no bucket"))?.to_owned();
        // As written: a URL's path would drop dots and encode what object names may hold.
        let written = text.splitn(4, '/').nth(3).unwrap_or_default().trim_end_matches('/');
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.=".contains(letter);
        let is_segment = |segment: &str| !["", ".", ".."].contains(&segment) && segment.chars().all(is_plain);
        if !written.is_empty() && !written.split('/').all(is_segment) {
            return Err(format!("{EXPECTED}, with a prefix of letters, digits and '-', '_', '.', '=' between slashes"));
        }
        Ok(Address { service: *service, bucket, prefix: written.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, _) = SCHEMES.iter().find(|(_, service)| *service == self.service).expect("all are listed");
        write!(f, "{scheme}://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_shown() {
        for (text, service, bucket, prefix) in [
            ("s3://books/a/b=c", Service::S3, "books", "a/b=c"),
            ("gs://books", Service::GoogleCloud, "books", ""),
            ("az://books/x", Service::Azure, "books", "x"),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address, Address { service, bucket: bucket.to_owned(), prefix: prefix.to_owned() });
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::parse(&format!("{text}/")), Ok(address));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for text in [
            "ftp://books/a",
            "s3://",
            "s3:///a",
            "s3://me:canary@books/a",
            "s3://books/a?sig=canary",
            "s3://books/a#canary",
            "s3://books:80/a",
            "s3://books/a//b",
            "s3://books/../b",
            "s3://books/a b",
            "s3://books/%2e%2e/canary",
        ] {
            let message = Address::parse(text).expect_err(text);
            assert!(message.starts_with("expected s3://") && !message.contains("canary"), "{text}: {message}");
        }
    }
}
