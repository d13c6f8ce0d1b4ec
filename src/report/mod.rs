//! `reconciliation.html`: the page that the accountant opens in the morning.
//!
//! One file that needs nothing else: no network, no font, no script from elsewhere, which its content security policy
//! makes the browser see to. A run tells its [`Story`]; what of it is shown in full, what is summed up and what is left
//! out to keep the page small is decided here, and said on the page.
//!
//! | file | holds |
//! | --- | --- |
//! | `story` | what a run tells |
//! | `locale` | amounts as their reader writes them |
//! | `chart` | balances as SVG paths, in whole numbers |
//! | `verdict` | the first sentence |
//! | `limits` | how much of each thing a page holds |
//! | `view`, `evidence` | the story in the words and texts of the page |
//! | `page/` | its templates, its style and its script |

mod chart;
mod evidence;
mod limits;
mod locale;
mod story;
mod verdict;
mod view;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use sha2::{Digest, Sha256};

pub use chart::{Point, Trend};
pub use limits::{listings_told, shown_in_full};
pub use locale::Locale;
pub use story::{Around, Difference, ListingFacts, OwnerBooks, ShownRow, Source, Story, Totals};

use limits::Limits;
use view::View;

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");
const TEMPLATES: [(&str, &str); 8] = [
    ("page.html", include_str!("page/page.html")),
    ("owners.html", include_str!("page/owners.html")),
    ("breaks.html", include_str!("page/breaks.html")),
    ("balances.html", include_str!("page/balances.html")),
    ("chart.html", include_str!("page/chart.html")),
    ("lines.html", include_str!("page/lines.html")),
    ("lists.html", include_str!("page/lists.html")),
    ("evidence.html", include_str!("page/evidence.html")),
];

/// The bytes that a page never exceeds.
const PAGE_BYTES_MAX: usize = 1_900_000;

/// The page of a run, at most [`PAGE_BYTES_MAX`] bytes long.
pub fn render(story: &Story<'_>) -> String {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters"));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source).expect("the templates are part of the program");
    }
    let mut limits = Limits::default();
    loop {
        let page = render_within(&environment, story, limits);
        if page.len() <= PAGE_BYTES_MAX || limits.is_least() {
            return page;
        }
        limits = limits.halved();
    }
}

fn render_within(environment: &Environment<'_>, story: &Story<'_>, limits: Limits) -> String {
    let view = View::of(story, limits);
    let template = environment.get_template("page.html").expect("added above");
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    template
        .render(context! {
            policy,
            style => Value::from_safe_string(STYLE.to_owned()),
            script => Value::from_safe_string(SCRIPT.to_owned()),
            ..Value::from(Serde(view))
        })
        .expect("the templates fit the view")
}

/// As a content security policy names what stands between two tags.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
