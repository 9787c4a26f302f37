//! What holds of every type that stands in messages, taken from the declarations.

use crate::units::{Dev, Handle, Micros, Name, Nanos, Packets, Percent, Rate, Size, Ticks};
use crate::wire::generate::Source;
use crate::wire::property::{holds, Holds};
use crate::wire::{Be, Indexed, Raw, Table, Text};
use crate::{netfilter, route, tc};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// The sets that are declared with `attrs!`.
static SETS: LazyLock<Vec<(Holds, &str)>> = LazyLock::new(|| {
    let tables = [tc::tables(), route::tables(), netfilter::tables()].concat();
    tables.iter().filter_map(|Table { name, holds, .. }| Some(((*holds)?, *name))).collect()
});

macro_rules! values {
    ($($ty:ty)*) => { &[$((holds::<$ty>, stringify!($ty)),)*] };
}

/// What stands in attributes of every kind.
const VALUES: &[(Holds, &str)] = values! {
    u8 u16 u32 u64 i8 i16 i32 i64 Be<u16> Be<u32> Be<u64> Dev Handle Micros Name Nanos Packets Percent Rate Size Ticks
    Text Raw Indexed<u32> Box<Text>
};

fn all_hold(types: &[(Holds, &str)], bytes: &[u8]) -> Result<(), TestCaseError> {
    types.iter().try_for_each(|(holds, name)| {
        holds(&mut Source::new(bytes)).map_err(|wrong| TestCaseError::fail(format!("{name}: {wrong}")))
    })
}

proptest! {
    #[test]
    fn every_set_of_attributes_decodes_to_what_was_encoded(bytes in vec(any::<u8>(), 0..400)) {
        all_hold(&SETS, &bytes)?;
    }

    #[test]
    fn every_value_decodes_to_what_was_encoded(bytes in vec(any::<u8>(), 0..60)) {
        all_hold(VALUES, &bytes)?;
    }
}

#[test]
fn every_set_that_is_declared_is_among_them() {
    fn declared(path: &Path) -> usize {
        match fs::read_dir(path) {
            Ok(directory) => directory.map(|entry| declared(&entry.unwrap().path())).sum(),
            Err(_) => fs::read_to_string(path)
                .unwrap()
                .lines()
                .filter(|line| line.trim_start() == "attrs! {")
                .count(),
        }
    }
    let declared = declared(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert_eq!(SETS.len(), declared, "{:?}", SETS.iter().map(|(_, name)| name).collect::<Vec<_>>());
}
