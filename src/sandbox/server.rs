//! Starting and stopping.

use std::future::IntoFuture as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::sync::oneshot;

use super::config::{RateLimit, SandboxConfig};
use super::connection::{Connection, Door};
use super::desk::{self, Desk, Inner};
use super::fault::{Engine, Fault};
use super::gate::Gate;
use super::log::{Counters, RequestRecord};
use super::route::Route;
use super::store::Store;
use crate::{Error, Result};

/// The provider on loopback.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts a sandbox on 127.0.0.1, in a thread of its own with a runtime of its own: it answers whatever the caller
    /// blocks on, and one core serves it.
    ///
    /// # Errors
    /// When the port is taken, or the system gives no thread.
    pub fn start(config: SandboxConfig) -> Result<RunningSandbox> {
        let unable = |error: std::io::Error| Error::environment("could not start the sandbox").because(error);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
        let listener = TcpListener::bind(address).map_err(|error| {
            Error::environment("could not listen").at(address).because(error).hint("--port 0 takes any free port")
        })?;
        listener.set_nonblocking(true).map_err(unable)?;
        let address = listener.local_addr().map_err(unable)?;
        let desk = Arc::new(desk_of(config));
        let (stop, stopped) = oneshot::channel();
        let service = Router::new().fallback(desk::answer).with_state(Arc::clone(&desk));
        let (ready, readiness) = mpsc::channel();
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(serve(listener, service, &ready, stopped)),
                // Whoever starts a sandbox waits for this.
                Err(error) => drop(ready.send(Err(error))),
            }
        });
        let running =
            RunningSandbox { address, control: Control(desk), stop: Some(stop), thread: Some(thread.map_err(unable)?) };
        readiness.recv().expect("the thread tells before it ends").map_err(unable)?;
        Ok(running)
    }
}

/// Serves until told to stop; the runtime ends with it, and with the runtime all connections.
async fn serve(
    listener: TcpListener,
    service: Router,
    ready: &mpsc::Sender<std::io::Result<()>>,
    stopped: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let server = axum::serve(Door(listener), service.into_make_service_with_connect_info::<Connection>());
    drop(ready.send(Ok(())));
    tokio::select! {
        _ = server.into_future() => {}
        _ = stopped => {}
    }
}

fn desk_of(config: SandboxConfig) -> Desk {
    let behaviour = &config.behaviour;
    let inner = Inner {
        gate: Gate::new(config.credentials, behaviour.token_lifetime_s, behaviour.rate_limit),
        store: Store::new(config.books, behaviour),
        engine: Engine::new(config.faults, behaviour.seed),
        latency: behaviour.latency,
    };
    Desk::new(inner, config.on_request, behaviour.seed)
}

/// A sandbox that answers until it is shut down or dropped.
#[derive(Debug)]
pub struct RunningSandbox {
    address: SocketAddr,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningSandbox {
    /// `http://127.0.0.1:PORT`, as a job file's `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle that changes it while it runs; it can be cloned and sent elsewhere.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Ends it: connections are closed, whatever they were doing.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.end();
    }
}

/// Changes a running sandbox, and tells what it was asked.
#[derive(Clone)]
pub struct Control(Arc<Desk>);

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Control")
    }
}

impl Control {
    /// Adds a fault; it counts the requests that match from now on.
    pub fn add_fault(&self, fault: Fault) {
        self.0.lock().engine.add(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.0.lock().engine.clear();
    }

    /// How long each answer takes at least, from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.0.lock().latency = latency;
    }

    /// The rate limit from now on.
    pub fn set_rate_limit(&self, limit: Option<RateLimit>) {
        self.0.lock().gate.set_rate_limit(limit);
    }

    /// Makes the token obsolete.
    pub fn revoke_token(&self) {
        self.0.lock().gate.revoke_token();
    }

    /// Lets rows arrive in the listing of a path, such as `/v1.0/cards/ANY1/transactions`, as its newest. How many did.
    pub fn insert_rows(&self, path: &str, rows: usize) -> usize {
        Route::find("GET", path).map_or(0, |route| self.0.lock().store.arrive(route, &[], rows))
    }

    /// Lets the first rows of the listing of a path vanish. How many did.
    pub fn delete_rows(&self, path: &str, rows: usize) -> usize {
        Route::find("GET", path).map_or(0, |route| self.0.lock().store.vanish(route, &[], rows))
    }

    /// The rows of the listing of a path as they stand now, in listing order; empty when there is no such listing.
    pub fn rows(&self, path: &str) -> Vec<String> {
        let rows = Route::find("GET", path).and_then(|route| self.0.lock().store.rows(route));
        rows.unwrap_or_default()
    }

    /// What was asked, oldest first.
    pub fn log(&self) -> Vec<RequestRecord> {
        self.0.log.records()
    }

    /// Sums over all requests.
    pub fn counters(&self) -> Counters {
        self.0.log.counters()
    }

    /// Forgets what was asked.
    pub fn clear_log(&self) {
        self.0.log.clear();
    }
}
