use super::*;
use proptest::prelude::*;

const CLOCK: Clock = Clock::KERNEL;

fn ticks(rate: &str, size: &str) -> u32 {
    CLOCK.xmit_ticks(rate.parse().unwrap(), size.parse().unwrap()).0
}

#[test]
fn default_bursts_are_those_iproute2_sends() {
    for (rate, mtu, ticks) in [
        ("1mbit", 1600, 200_000),     // htb_class-001
        ("1kbit", 1600, 200_000_000), // htb_class-003
        ("64kbit", 1600, 3_125_000),  // htb_class-004
        ("125kbps", 1600, 200_000),   // htb_class-006
        ("1gibit", 1600, 187),        // htb_class-010
        ("10gbit", 1600, 21),         // htb_class-014
        ("34359738352bit", 1600, 6),  // htb_class-016
        ("34359738360bit", 1600, 6),  // htb_class-017
        ("34359738368bit", 1600, 6),  // htb_class-018
        ("40gbit", 1600, 6),          // htb_class-020, ceil
        ("100gbit", 1600, 3),         // htb_class-022
        ("1tbit", 1600, 1),           // htb_class-025
        ("512kbit", 1600, 390_625),   // htb_class-027, ceil
        ("1gbit", 1600, 200),         // htb_class-045
        ("1mbit", 1500, 187_500),     // htb_class-047
        ("1mbit", 65535, 8_191_875),  // htb_class-049
        ("5mbit", 1600, 40_000),      // htb_class-065
        ("50mbit", 1600, 4_000),      // htb_class-065, ceil
        ("30mbit", 1600, 6_667),      // htb_class-077
        ("40mbit", 1600, 5_000),      // htb_class-079, ceil
    ] {
        let rate: Rate = rate.parse().unwrap();
        assert_eq!(CLOCK.xmit_ticks(rate, CLOCK.default_burst(rate, mtu)), Ticks(ticks), "{rate} {mtu}");
    }
}

#[test]
fn given_bursts_are_those_iproute2_sends() {
    for (rate, burst, expected) in [
        ("100gbit", "1mb", 1_311),    // htb_class-023
        ("1mbit", "15k", 1_920_000),  // htb_class-028
        ("1mbit", "30k", 3_840_000),  // htb_class-029
        ("1mbit", "15kb", 1_920_000), // htb_class-031
        ("1mbit", "20k", 2_560_000),  // htb_class-034
        ("1mbit", "40k", 5_120_000),  // htb_class-034
        ("2mbit", "20k", 1_280_000),  // htb_class-038
        ("30mbit", "30k", 128_000),   // htb_class-079
        ("1mbit", "32kbit", 512_000), // tbf-001
        ("1mbit", "10k", 1_280_000),  // tbf-005
        ("2mbit", "1540", 96_250),    // tbf-005, minburst
        // TBF computes with the 32-bit rate, which is at its limit here.
        ("4294967295bps", "10mb", 38_147), // tbf-008, tbf-009
        ("4294967295bps", "9000", 33),     // tbf-009, peakrate
    ] {
        assert_eq!(ticks(rate, burst), expected, "{rate} {burst}");
    }
}

#[test]
fn bursts_are_shown_as_tc_shows_them() {
    for (rate, ticks, shown) in [
        ("1mbit", 200_000, 1_600),     // htb_class-001
        ("1gibit", 187, 1_606),        // htb_class-010
        ("10gbit", 21, 1_680),         // htb_class-014
        ("34359738352bit", 6, 1_649),  // htb_class-016
        ("40gbit", 6, 1_920),          // htb_class-020, ceil
        ("100gbit", 3, 2_400),         // htb_class-022
        ("100gbit", 1_311, 1_048_800), // htb_class-023
    ] {
        assert_eq!(CLOCK.xmit_size(rate.parse().unwrap(), Ticks(ticks)), Size(shown), "{rate} {ticks}");
    }
}

#[test]
fn a_time_too_long_for_32_bits_is_the_longest() {
    // htb_class-002 and -005: iproute2 6.15 wraps 25,000,000,000 ticks to 3,525,163,520.
    assert_eq!(ticks("8bit", "1600"), u32::MAX);
    assert_eq!(ticks("1mbit", "32gb"), u32::MAX);
    assert_eq!(ticks("0bit", "0"), u32::MAX);
    assert_eq!(CLOCK.xmit_ticks(Rate::bytes_per_second(1), Size(u64::MAX)), Ticks(u32::MAX));
    assert_eq!(CLOCK.micros_to_ticks(Micros(u32::MAX)), Ticks(u32::MAX));
    assert_eq!(
        CLOCK.default_burst(Rate::bytes_per_second(u64::MAX), u32::MAX),
        Size(18_446_744_073 + 4_294_967_295)
    );
}

#[test]
fn times_and_ticks_convert() {
    assert_eq!(CLOCK.micros_to_ticks(Micros::millis(1)), Ticks(15_625));
    assert_eq!(CLOCK.micros_to_ticks(Micros(1)), Ticks(15));
    assert_eq!(CLOCK.ticks_to_micros(Ticks(15_625)), Micros::millis(1));
    assert_eq!(CLOCK.ticks_to_micros(Ticks(u32::MAX)), Micros(274_877_906));
    assert_eq!(CLOCK.ticks_per_micro(), 15.625);
}

#[test]
fn the_kernels_words_are_its_clock() {
    assert_eq!(Clock::parse("000003e8 00000040 000f4240 3b9aca00\n"), Ok(Clock::KERNEL));
    assert_eq!(Clock::default(), Clock::KERNEL);
    // Nanosecond resolution: 1000 ticks per microsecond, and no timer frequency.
    let nanos = Clock::parse("000003e8 00000001 3b9aca00 000003e8").unwrap();
    assert_eq!((nanos.ticks_per_micro(), nanos.hz()), (1000.0, 100));
    // A kernel of long ago, with a tick of a microsecond and a timer of 250 Hz.
    let old = Clock::parse("000003e8 000003e8 000f4240 000000fa").unwrap();
    assert_eq!((old.ticks_per_micro(), old.hz()), (1.0, 250));
    assert_eq!(old.default_burst(Rate::mbit(1), 1600), Size(500 + 1600));
}

#[test]
fn words_that_are_no_clock_are_refused() {
    for text in [
        "",
        "000003e8 00000040 000f4240",
        "000003e8 00000040 000f4240 3b9aca00 1",
        "00000000 00000040 000f4240 3b9aca00",
        "000003e8 00000000 000f4240 3b9aca00",
        "000003e8 00000040 00000000 3b9aca00",
        "000003e8 00000040 000f4240 00000000",
        "000003e8 00000040 000f4240 +b9aca00",
        "000003e8 00000040 000f4240 1b9aca00ff",
        "ffffffff 00000001 fffffffd 00000001",
        "one two three four",
    ] {
        assert!(Clock::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_running_kernel_has_the_clock_of_every_kernel() {
    // Without /proc there is nothing to compare.
    if let Ok(clock) = Clock::read() {
        assert_eq!(clock, Clock::KERNEL);
    }
}

proptest! {
    #[test]
    fn a_burst_never_comes_back_smaller(rate in 1u64.., size: u32) {
        let (rate, size) = (Rate::bytes_per_second(rate), Size(u64::from(size)));
        let ticks = CLOCK.xmit_ticks(rate, size);
        prop_assume!(ticks.0 < u32::MAX);
        prop_assert!(CLOCK.xmit_size(rate, ticks) >= size);
        // One tick less would be too short.
        prop_assert!(ticks.0 == 0 || CLOCK.xmit_size(rate, Ticks(ticks.0 - 1)) < size);
    }

    #[test]
    fn showing_a_burst_and_setting_it_again_changes_nothing_from_then_on(rate in 1u64.., ticks: u32) {
        let rate = Rate::bytes_per_second(rate);
        let shown = CLOCK.xmit_size(rate, Ticks(ticks));
        let set = CLOCK.xmit_ticks(rate, shown);
        prop_assert!(set <= Ticks(ticks));
        prop_assert_eq!(CLOCK.xmit_size(rate, set), shown);
    }

    #[test]
    fn no_clock_and_no_quantity_overflows(words: [u32; 4], rate: u64, size: u64, ticks: u32, micros: u32, mtu: u32) {
        let [a, b, c, d] = words;
        for text in [format!("{a:08x} {b:08x} {c:08x} {d:08x}"), format!("{:x} {:x} f4240 {d:x}", a & 0xffff, b & 0xffff)] {
            if let Ok(clock) = Clock::parse(&text) {
                let rate = Rate::bytes_per_second(rate);
                let _ = (clock.xmit_ticks(rate, Size(size)), clock.xmit_size(rate, Ticks(ticks)));
                let _ = (clock.micros_to_ticks(Micros(micros)), clock.ticks_to_micros(Ticks(ticks)));
                let _ = clock.default_burst(rate, mtu);
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = Clock::parse(&text);
    }
}
