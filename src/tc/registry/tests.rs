use super::*;
use crate::clock::Clock;
use crate::wire::generate::Source;
use proptest::prelude::*;
use std::fmt::Debug;

/// `decode(encode(x)) == x`, and the fixpoint for whatever bytes can be decoded at all.
fn round_trip<K: PartialEq + Debug + Display>(
    kind: &K,
    encode: impl Fn(&K, &mut Writer),
    decode: impl Fn(Option<&[u8]>) -> Result<K, DecodeError>,
) -> Result<(), TestCaseError> {
    let mut w = Writer::default();
    encode(kind, &mut w);
    // Values that cannot be encoded are refused, and that is all.
    if w.finish().is_err() {
        return Ok(());
    }
    let options = crate::wire::Reader::new(w.bytes()).attrs().next().map(|attr| attr.unwrap().payload);
    let read = decode(options).unwrap();
    prop_assert_eq!(&read, kind, "{}", kind);
    Ok(())
}

/// After one decode the encoding is a fixpoint: what kernels only report is read but not sent.
fn fixpoint<K>(
    once: &K,
    encode: impl Fn(&K, &mut Writer),
    decode: impl Fn(Option<&[u8]>) -> Result<K, DecodeError>,
) -> Result<(), TestCaseError> {
    let encoded = |kind: &K| {
        let mut w = Writer::default();
        encode(kind, &mut w);
        w.finish().map(|()| w.bytes().to_vec())
    };
    if let Ok(first) = encoded(once) {
        let options = crate::wire::Reader::new(&first).attrs().next().map(|attr| attr.unwrap().payload);
        prop_assert_eq!(encoded(&decode(options).unwrap()), Ok(first));
    }
    Ok(())
}

macro_rules! properties {
    ($($test:ident: $enum:ident;)*) => { proptest! { $(
        #[test]
        fn $test(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for kind in $enum::generate_each(&mut Source::new(&bytes)) {
                let decode = |options: Option<&[u8]>| {
                    let mut read = None;
                    $enum::read(kind.name().as_bytes(), options, &mut read).map(|()| read.unwrap())
                };
                let read = |options: Option<&[u8]>| {
                    let mut read = decode(options)?;
                    if let Some(handle) = kind.handle() {
                        read.set_handle(handle);
                    }
                    Ok(read)
                };
                round_trip(&kind, |k, w| k.encode(2, w), read)?;
                // Arbitrary bytes decode to something or to an error, and what they decode to is a fixpoint.
                if let Ok(once) = decode(Some(&bytes)) {
                    fixpoint(&once, |k, w| k.encode(2, w), decode)?;
                }
            }
        }
    )* } };
}

macro_rules! words {
    ($($test:ident: $enum:ident;)*) => { proptest! { $(
        /// What no words can say (ceil's own framing, verdicts without a name, what kernels report) is gone after the first
        /// print; from then on nothing is lost.
        #[test]
        fn $test(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let hear = |printed: &str| {
                let all: Vec<&str> = printed.split_whitespace().collect();
                let mut words = Words::new(&all);
                let name = words.value().unwrap();
                let heard = $enum::hear(name, &mut words);
                (heard, words.is_empty())
            };
            let encoded = |kind: &$enum| {
                let mut w = Writer::default();
                kind.encode(2, &mut w);
                w.finish().map(|()| w.bytes().to_vec())
            };
            for kind in $enum::generate_each(&mut Source::new(&bytes)) {
                let (Ok(once), true) = hear(&kind.to_string()) else { continue };
                let printed = once.to_string();
                let (twice, all) = hear(&printed);
                let twice = twice.unwrap();
                prop_assert!(all, "{}", printed);
                prop_assert_eq!(twice.to_string(), printed.clone());
                prop_assert_eq!(encoded(&twice), encoded(&once), "{}", printed);
            }
        }
    )* } };
}

words! {
    every_qdisc_kind_hears_what_it_says: QdiscKind;
    every_class_kind_hears_what_it_says: ClassKind;
    every_action_kind_hears_what_it_says: ActionKind;
}

properties! {
    every_qdisc_kind_decodes_to_what_was_encoded: QdiscKind;
    every_class_kind_decodes_to_what_was_encoded: ClassKind;
    every_action_kind_decodes_to_what_was_encoded: ActionKind;
    every_filter_kind_decodes_to_what_was_encoded: FilterKind;
}

macro_rules! settled {
    ($($test:ident: $enum:ident;)*) => { proptest! { $(
        #[test]
        fn $test(bytes in proptest::collection::vec(any::<u8>(), 0..400), numbers: [u32; 4], inner: bool, known: bool) {
            let [mtu, header, queue_len, r2q] = numbers;
            let header = known.then_some(header);
            let setting = Setting { clock: Clock::KERNEL, mtu, header, queue_len, r2q, inner };
            for kind in $enum::generate_each(&mut Source::new(&bytes)) {
                let mut once = kind.clone();
                once.settle(&setting);
                let mut twice = once.clone();
                twice.settle(&setting);
                prop_assert_eq!(&twice, &once, "{}", kind);
                let mut forgotten = kind;
                forgotten.forget();
                forgotten.settle(&setting);
                prop_assert_eq!(&forgotten, &once);
            }
        }
    )* } };
}

settled! {
    every_qdisc_kind_settles_once: QdiscKind;
    every_class_kind_settles_once: ClassKind;
    every_action_kind_settles_once: ActionKind;
    every_filter_kind_settles_once: FilterKind;
}
