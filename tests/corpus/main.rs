//! What once was wrong (`fuzz/found`) and what the fuzzers keep, because together it reaches all that they reach (`fuzz/kept`), is
//! replayed.
//!
//! Without the features `generate` and `serde` there are the targets that need neither.

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, unused_imports, reason = "the fuzz targets use each function by its name")]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};

/// What is in a directory: lines of bytes in hexadecimal (`TARGET.hex`) or of JSON strings (`TARGET.jsonl`).
fn files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(directory);
    let files =
        fs::read_dir(directory).expect("a directory of fuzz").map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

fn target(file: &Path) -> &str {
    file.file_stem().and_then(|name| name.to_str()).expect("a name")
}

fn inputs(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(file).expect("text");
    let hex = |line: &str| {
        (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).expect("hex")).collect()
    };
    let json = |line: &str| serde_json::from_str::<String>(line).expect("a JSON string").into_bytes();
    let is_hex = file.extension().is_some_and(|extension| extension == "hex");
    text.lines().map(|line| if is_hex { hex(line) } else { json(line) }).collect()
}

fn replay(directory: &str) {
    for file in files(directory) {
        let known = fuzz::TARGETS.iter().find(|(name, _)| *name == target(&file));
        let Some((_, check)) = known else { continue };
        for (number, input) in (1..).zip(inputs(&file)) {
            // Shown if it panics: the last one is to blame.
            println!("{}, line {number}", file.display());
            check(&input);
        }
    }
}

#[test]
fn what_was_once_wrong_holds() {
    replay("found");
}

#[test]
fn all_that_is_kept_holds() {
    replay("kept");
}

#[test]
#[cfg(all(feature = "generate", feature = "serde"))]
fn every_target_has_something_that_is_kept() {
    let mut targets: Vec<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    targets.sort();
    assert_eq!(files("kept").iter().map(|file| target(file)).collect::<Vec<_>>(), targets);
}

/// Whole objects of every kind, as the declarations draw them: each of the seven sorts that the first byte chooses from.
#[test]
#[cfg(feature = "generate")]
fn every_object_decodes_to_what_was_encoded() {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    for sort in 0..7 {
        TestRunner::default()
            .run(&vec(any::<u8>(), 0..400), |bytes| {
                fuzz::generated(&[&[sort], &bytes[..]].concat());
                Ok(())
            })
            .unwrap_or_else(|error| panic!("sort {sort}: {error}"));
    }
}
