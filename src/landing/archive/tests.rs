use std::fs;

use proptest::prelude::*;

use super::*;
use crate::record::Feed;

const SHELF: Shelf = Shelf::Feed(Feed::CardTransactions);

/// What a scan finds, and what stands at those places afterwards.
fn found(root: &Path) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut archive, mut shown) = (Archive::default(), Vec::new());
    let give = |block: Block| {
        shown.extend(block.responses().map(|(id, bytes)| (id, bytes.to_vec())));
        Ok(())
    };
    archive.scan_blocks(root, SHELF, || Vec::with_capacity(7), give).expect("files that can be read");
    let read = |(id, _): &(ResponseId, _)| {
        let mut bytes = b"what was there".to_vec();
        archive.read(*id, &mut bytes).expect("a response that was found");
        bytes
    };
    let again = shown.iter().map(read).collect();
    (shown.into_iter().map(|(_, bytes)| bytes).collect(), again)
}

/// A file of `name` holding `bytes`, packed where the name says so.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let is_packed = Path::new(name).extension().is_some_and(|ending| ending == "zst");
    let stored = if is_packed { zstd::bulk::compress(bytes, 1).expect("memory") } else { bytes.to_vec() };
    fs::write(folder.join(name), stored).expect("a folder that can be written");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Lines of any length, blank ones and a last one that is not ended, on blocks' ends and far beyond.
    #[test]
    fn every_line_is_found_once_and_read_again(
        files in proptest::collection::vec((
            proptest::collection::vec(prop_oneof![
                3 => 0..40_usize,
                1 => 1_000..300_000_usize,
                1 => BLOCK_BYTES - 2..BLOCK_BYTES + 2,
                1 => Just(3 * BLOCK_BYTES),
            ], 0..6),
            any::<(bool, bool)>(),
        ), 0..4)
    ) {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join(SHELF.folder());
        fs::create_dir_all(&folder).expect("a folder");
        let mut expected = Vec::new();
        for (number, (lengths, (is_packed, is_ended))) in files.iter().enumerate() {
            let lines: Vec<Vec<u8>> = lengths.iter().zip(b'a'..).map(|(length, letter)| vec![letter; *length]).collect();
            let mut bytes = lines.join(&b"\r\n"[..]);
            bytes.extend_from_slice(if *is_ended { b"\n" } else { b"" });
            write(&folder, &format!("{number}.ndjson{}", if *is_packed { ".zst" } else { "" }), &bytes);
            expected.extend(lines.into_iter().filter(|line| !line.is_empty()));
        }
        let (shown, again) = found(root.path());
        prop_assert!(shown == expected, "{:?}", shown.iter().map(Vec::len).collect::<Vec<_>>());
        prop_assert!(again == expected);
    }
}

#[test]
fn responses_of_a_file_each_are_found_among_lines() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join(SHELF.folder());
    fs::create_dir_all(&folder).expect("a folder");
    let large = vec![b'x'; BLOCK_BYTES];
    write(&folder, "1.json", b"{}\n");
    write(&folder, "2.ndjson", b"a\nb");
    write(&folder, "3.json", b" \n");
    write(&folder, "4.json.zst", &large);
    write(&folder, "5.json", b"{\n}");
    let expected: Vec<&[u8]> = vec![b"{}\n", b"a", b"b", &large, b"{\n}"];
    let (shown, again) = found(root.path());
    assert!(shown == expected && again == expected);
}
