//! The warehouse: what was committed, loaded into a database in one transaction, and the SQL that others load it with.
//!
//! A doubled txid is a break, not an error, and must load like any other row. So the unit of a load is the partition
//! (dataset and booking date), not the row: a partition whose file changed is taken out and put in as a whole. That keeps
//! every row once, whatever its key says, and a restated day needs no rule of its own.
//!
//! | file | holds |
//! | --- | --- |
//! | `load` | the load, from the partitions that changed to the proof of their totals |
//! | `sums` | control totals, as a database gives them |
//! | `store` | what a database must do for it |
//! | `postgresql`, `copy`, `address`, `tls` | PostgreSQL: COPY in its binary format, where it is and who asks |
//! | `sqlite` | a file |
//! | `dialect` | CREATE, load and merge statements of eight databases |
//! | `dictionary` | the data dictionary |

mod address;
mod copy;
pub mod dialect;
pub mod dictionary;
mod load;
mod postgresql;
mod sqlite;
mod store;
mod sums;
mod tls;

pub use address::{Target, target};
pub use dialect::Dialect;
pub use load::{Loaded, Options, load};
