//! Certificates: an authority of one's own, and one that nobody knows.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Version;
use tieout::landing::Subject;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::server::{Fault, Setup};
use crate::{Bench, find, lists, proved};

/// Makes an authority (`ca.pem`) and a certificate of it for 127.0.0.1.
fn make_certificates(folder: &Path) {
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=tieout-test-ca 2>/dev/null
        openssl req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost 2>/dev/null
        echo subjectAltName=IP:127.0.0.1 > leaf.ext
        openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem";
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().expect("openssl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Serves `router` over TLS; gives the URL, and counts the connections. `protocols` are those that the server offers.
async fn serve(router: Router, folder: &Path, protocols: &[&str]) -> (String, Arc<AtomicUsize>) {
    let certificate = CertificateDer::from_pem_file(folder.join("leaf.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    let mut config = config.expect("a configuration");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let inside_address = inside.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(inside, router).await });
    let outside = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", outside.local_addr().expect("an address"));
    tokio::spawn(async move {
        loop {
            let (socket, _) = outside.accept().await.expect("a connection");
            count.fetch_add(1, Ordering::Relaxed);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut plain = tokio::net::TcpStream::connect(inside_address).await.expect("the server");
                if let Ok(mut secure) = acceptor.accept(socket).await {
                    let _ = tokio::io::copy_bidirectional(&mut secure, &mut plain).await;
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_when_named() {
    let folder = tempfile::tempdir().expect("a folder");
    make_certificates(folder.path());
    let (router, server) = Setup::new(lists(1, 25)).router(|_| None);
    let (url, _) = serve(router, folder.path(), &[]).await;
    let mut bench = Bench::new(&url);
    let error = bench.fetch().await.expect_err("nobody knows the authority");
    assert!(error.message().contains("certificate is not trusted"), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("ca_certificate")), "{error}");
    assert_eq!(server.log().seen.len(), 0);

    bench = Bench::new(&url);
    bench.connection.ca_certificate = Some(folder.path().join("ca.pem"));
    let fetched = bench.fetch().await.expect("all is well");
    assert_eq!(proved(find(&fetched, Subject::AccountStatements, "1")), 25);

    bench = Bench::new(&url);
    bench.connection.ca_certificate = Some(folder.path().join("leaf.key"));
    let error = bench.fetch().await.expect_err("no certificate");
    assert!(error.message().contains("ca_certificate"), "{error}");
    assert_eq!(error.kind(), tieout::ErrorKind::Job);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_speaks_http_2_is_asked_over_one_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    make_certificates(folder.path());
    for (protocols, version, connections_max) in
        [(&["h2", "http/1.1"][..], Version::HTTP_2, 1), (&["http/1.1"], Version::HTTP_11, 12)]
    {
        let late = |seen: &crate::server::Seen| {
            seen.path.contains("statements").then(|| Fault::Late(Duration::from_millis(20)))
        };
        let (router, server) = Setup::new(lists(20, 25)).router(late);
        let (url, connections) = serve(router, folder.path(), protocols).await;
        let mut bench = Bench::new(&url);
        bench.connection.ca_certificate = Some(folder.path().join("ca.pem"));
        bench.connection.concurrency = 6;
        let fetched = bench.fetch().await.expect("all is well");
        fetched.listings.iter().for_each(|listing| _ = proved(listing));
        let log = server.log();
        assert_eq!(log.versions.iter().copied().collect::<Vec<_>>(), [version]);
        assert_eq!(log.in_flight_max, 6, "{version:?}");
        let connections = connections.load(Ordering::Relaxed);
        assert!((1..=connections_max).contains(&connections), "{connections} connections over {version:?}");
    }
}
