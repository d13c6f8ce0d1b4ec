//! A bug of the program's own: a panic, on whichever thread. It ends the process at once, as a kill would, for which every
//! run is made; nothing that goes on beside a thread that is gone could be trusted. No core is dumped, in which keys would
//! stand.

use std::any::Any;
use std::panic;

use super::exit::Exit;
use super::printer;
use crate::Error;

/// From now on a panic is told as every other error is, and ends the process with its code.
pub fn end_at_once() {
    panic::set_hook(Box::new(|about| {
        let place = about.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        printer::error(&told(words(about.payload()), &place));
        std::process::exit(Exit::Bug.code().into());
    }));
}

fn words(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("it does not say which")
}

fn told(words: &str, place: &str) -> Error {
    Error::environment(format!("a bug of tieout's own: {words}"))
        .at(format!("{place}, version {}", env!("CARGO_PKG_VERSION")))
        .hint(
            "what was committed before stays; run the same command again, and report these lines: `tieout explain 101`",
        )
}
