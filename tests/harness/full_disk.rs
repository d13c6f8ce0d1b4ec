//! A disk that is really full: a file system of a few pages where the machine lets us mount one, and everywhere a limit on
//! the size of files, past which the system refuses to write.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::stories::{self, scratch_folder, visible};

/// How a disk is made to be full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrow {
    /// No file grows beyond so many blocks of 512 bytes.
    Files,
    /// A file system of so many pages of 4 KiB.
    Mount,
}

/// Runs with ever more room, from none to enough: old reports stay until there is enough, then come the new ones. How
/// many runs failed.
pub fn check(narrow: Narrow) -> Result<usize, String> {
    let story = stories::one("the past has changed")?;
    let folder = scratch_folder();
    let job = format!(
        "[job]\nname = \"nightly\"\nwindow = {{ from = \"{}\", to = \"{}\" }}\n[source]\nprovider = \"anytime\"\narchive = '{}'\n",
        story.plan.window.from,
        story.plan.window.to,
        story.folder.path().join("archive").display()
    );
    fs::write(folder.path().join("job.toml"), job).expect("a file");
    let out = folder.path().join("disk/out");
    let (mut failed, mut failed_late) = (0, 0);
    let mut room = 0;
    while room < 2_000 {
        // Closer together where there is little.
        room += 1 + room / 12;
        let _ = fs::remove_dir_all(folder.path().join("disk"));
        fs::create_dir_all(folder.path().join("disk")).expect("a folder");
        let base = story.folder.path().join("base/out");
        let (code, told) = match narrow {
            Narrow::Files => {
                stories::copy(&base, &out);
                // The signal would end the process: ignored, the write fails instead.
                run(folder.path(), &format!("trap '' XFSZ; ulimit -f {room}; exec \"$0\" run job.toml --out disk/out"))
            }
            Narrow::Mount => on_a_small_disk(folder.path(), &base, room),
        };
        let seen = visible(&if narrow == Narrow::Mount { folder.path().join("seen") } else { out.clone() });
        match code {
            Some(1) if seen == story.old => {
                failed += 1;
                failed_late += usize::from(told.contains("could not write") || told.contains("could not sync"));
            }
            Some(1) if told.contains("is committed") => failed += 1,
            Some(1) => return Err(format!("{narrow:?}, room {room}: old reports are touched: {told}")),
            Some(0 | 3) if failed_late == 0 => {
                return Err(format!("{narrow:?}: no run failed for want of room: {told}"));
            }
            Some(0 | 3) => return Ok(failed),
            code => return Err(format!("{narrow:?}, room {room}: ends with {code:?}: {told}")),
        }
    }
    Err(format!("{narrow:?}: no room is enough"))
}

fn run(folder: &Path, script: &str) -> (Option<i32>, String) {
    let mut bash = Command::new("bash");
    bash.args(["-c", script, env!("CARGO_BIN_EXE_tieout")]).current_dir(folder);
    let ended = stories::output(&mut bash).expect("bash runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// Whether the machine lets us mount, in a namespace of our own.
pub fn can_mount() -> bool {
    let script = "mount -t tmpfs -o size=64k none /mnt";
    stories::output(Command::new("unshare").args(["-m", "bash", "-c", script]))
        .is_ok_and(|output| output.status.success())
}

/// Mounts in a namespace of its own, which goes with the process; what readers would see is copied out of it.
fn on_a_small_disk(folder: &Path, base: &Path, room: usize) -> (Option<i32>, String) {
    let kib = 60 + room * 4;
    let _ = fs::remove_dir_all(folder.join("seen"));
    let script = format!(
        "set -e; mount -t tmpfs -o size={kib}k none disk
         if ! cp -r '{}' disk/out 2>/dev/null; then cp -r '{}' seen; echo 'could not write' >&2; exit 1; fi
         set +e; \"$0\" run job.toml --out disk/out; code=$?; cp -r disk/out seen; exit $code",
        base.display(),
        base.display()
    );
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "bash", "-c", &script, env!("CARGO_BIN_EXE_tieout")]).current_dir(folder);
    let ended = stories::output(&mut unshare).expect("unshare runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}
